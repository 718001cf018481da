// Makes namespaces with what Kerbox does not serve: Unserved DIR FEATURE. Formats DIR/FEATURE/name,
// makes the directory /strange with the feature, and saves the namespace. Features: zone (of
// encryption), policy (of erasure coding).
import java.io.File;
import java.util.EnumSet;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.SafeModeAction;
import org.apache.hadoop.hdfs.DFSTestUtil;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.hdfs.HdfsConfiguration;
import org.apache.hadoop.hdfs.MiniDFSCluster;
import org.apache.hadoop.hdfs.client.CreateEncryptionZoneFlag;
import org.apache.hadoop.hdfs.client.HdfsAdmin;

public class Unserved {
    public static void main(String[] args) throws Exception {
        for (int i = 1; i < args.length; i++) make(new File(args[0], args[i]).getPath(), args[i]);
        Runtime.getRuntime().halt(0); // Hadoop's threads would keep the JVM
    }

    static void make(String place, String feature) throws Exception {
        HdfsConfiguration conf = new HdfsConfiguration();
        conf.set("dfs.namenode.name.dir", "file://" + place + "/name");
        conf.set(MiniDFSCluster.HDFS_MINIDFS_BASEDIR, place + "/mini");
        conf.set("hadoop.security.key.provider.path", "jceks://file" + place + "/keys");
        try (MiniDFSCluster cluster = new MiniDFSCluster.Builder(conf).manageNameDfsDirs(false)
                .numDataNodes(0).build()) {
            DistributedFileSystem fs = cluster.getFileSystem();
            Path strange = new Path("/strange");
            fs.mkdirs(strange);
            if (feature.equals("zone")) {
                DFSTestUtil.createKey("key", cluster, conf);
                new HdfsAdmin(cluster.getURI(), conf).createEncryptionZone(strange, "key",
                        EnumSet.noneOf(CreateEncryptionZoneFlag.class));
            } else {
                fs.enableErasureCodingPolicy("XOR-2-1-1024k");
                fs.setErasureCodingPolicy(strange, "XOR-2-1-1024k");
                fs.disableErasureCodingPolicy("XOR-2-1-1024k");
            }
            fs.setSafeMode(SafeModeAction.ENTER);
            fs.saveNamespace();
        }
    }
}
