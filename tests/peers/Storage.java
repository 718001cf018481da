// Hadoop's own programs on the files of a NameNode. Reads commands from standard input, one per
// line with words separated by tabs, and answers each with its output and `=> STATUS`:
//   oev FILE       prints a file of edits as XML
//   oiv FILE       prints an image as XML
//   write DIR      formats DIR/name with a NameNode and a DataNode, makes the tree of `script`, stops
//   list DIR       starts a NameNode on DIR/name as it is, and prints its tree
//   checkpoint DIR starts a NameNode on DIR/name as it is, and saves its tree as an image
//   script URI     makes the tree of `script` on a running cluster
//   tree URI       prints the tree of a running cluster
import java.io.BufferedReader;
import java.io.File;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.URI;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Options;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.SafeModeAction;
import org.apache.hadoop.fs.XAttrSetFlag;
import org.apache.hadoop.fs.permission.AclEntry;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.hdfs.HdfsConfiguration;
import org.apache.hadoop.hdfs.MiniDFSCluster;
import org.apache.hadoop.hdfs.protocol.HdfsFileStatus;
import org.apache.hadoop.hdfs.protocol.LocatedBlock;
import org.apache.hadoop.hdfs.tools.offlineEditsViewer.OfflineEditsViewer;
import org.apache.hadoop.hdfs.tools.offlineImageViewer.OfflineImageViewerPB;
import org.apache.hadoop.util.ToolRunner;

public class Storage {
    public static void main(String[] args) throws Exception {
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), false, "UTF-8");
        System.setOut(System.err);      // what the programs say besides
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = in.readLine()) != null; ) {
            int status;
            try {
                status = run(line.split("\t"), out);
            } catch (Throwable error) {
                error.printStackTrace();
                out.println(error);
                status = 1;
            }
            out.println("=> " + status);
            out.flush();
        }
        System.exit(0);                 // Hadoop's threads would keep the JVM
    }

    static int run(String[] words, PrintStream out) throws Exception {
        switch (words[0]) {
            case "oev": return view(words[1], out, true);
            case "oiv": return view(words[1], out, false);
            case "write": return write(new File(words[1]));
            case "list": return list(new File(words[1]), out);
            case "checkpoint": return checkpoint(new File(words[1]));
            case "script":
                try (DistributedFileSystem fs = connect(words[1])) { script(fs); }
                return 0;
            case "tree":
                try (DistributedFileSystem fs = connect(words[1])) { show(fs, out); }
                return 0;
            default: throw new IllegalArgumentException(words[0]);
        }
    }

    static DistributedFileSystem connect(String uri) throws Exception {
        return (DistributedFileSystem) FileSystem.newInstance(new URI(uri), new HdfsConfiguration());
    }

    static int view(String file, PrintStream out, boolean edits) throws Exception {
        File xml = File.createTempFile("view", ".xml");
        int status = edits
            ? ToolRunner.run(new OfflineEditsViewer(), new String[]{"-i", file, "-o", xml.getPath(), "-p", "xml"})
            : OfflineImageViewerPB.run(new String[]{"-i", file, "-o", xml.getPath(), "-p", "XML"});
        out.println(Files.readString(xml.toPath()));
        xml.delete();
        return status;
    }

    static HdfsConfiguration conf(File dir) {
        HdfsConfiguration conf = new HdfsConfiguration();
        conf.set("dfs.namenode.name.dir", new File(dir, "name").toURI().toString());
        conf.set("dfs.namenode.fs-limits.min-block-size", "512");
        conf.set("dfs.namenode.accesstime.precision", "0");      // a listing must not change what it shows
        conf.set("dfs.replication", "1");
        conf.set("dfs.namenode.delegation.token.always-use", "true");
        conf.set(MiniDFSCluster.HDFS_MINIDFS_BASEDIR, new File(dir, "mini").getPath());
        return conf;
    }

    static int write(File dir) throws Exception {
        HdfsConfiguration conf = conf(dir);
        conf.set("dfs.namenode.accesstime.precision", "1");
        MiniDFSCluster cluster = new MiniDFSCluster.Builder(conf).manageNameDfsDirs(false).numDataNodes(1).build();
        cluster.waitActive();
        try (DistributedFileSystem fs = cluster.getFileSystem()) {
            script(fs);
        }
        cluster.shutdown();
        return 0;
    }

    static void script(DistributedFileSystem fs) throws Exception {
        fs.mkdirs(new Path("/a/b/c"));
        fs.mkdirs(new Path("/gr\u00f6\u00dfe \ud83d\ude00"), new FsPermission((short) 01777));
        byte[] data = new byte[2000];
        try (FSDataOutputStream out = fs.create(new Path("/a/f"), true, 4096, (short) 1, 512)) { out.write(data); }
        try (FSDataOutputStream out = fs.create(new Path("/a/f"), true, 4096, (short) 1, 1024)) { out.write(data); }
        try (FSDataOutputStream out = fs.append(new Path("/a/f"))) { out.write(data, 0, 100); }
        for (String part : List.of("/a/p1", "/a/p2", "/a/p3")) {
            try (FSDataOutputStream out = fs.create(new Path(part), true, 4096, (short) 1, 1024)) { out.write(data, 0, 1024); }
        }
        fs.concat(new Path("/a/p1"), new Path[]{new Path("/a/p2"), new Path("/a/p3")});
        try (FSDataOutputStream out = fs.create(new Path("/a/t"), true, 4096, (short) 1, 1024)) { out.write(data); }
        if (!fs.truncate(new Path("/a/t"), 1500)) {
            while (!fs.isFileClosed(new Path("/a/t"))) Thread.sleep(100);
        }
        fs.truncate(new Path("/a/t"), 1024);
        fs.rename(new Path("/a/b"), new Path("/a/moved"));
        fs.mkdirs(new Path("/empty"));
        fs.rename(new Path("/a/moved/c"), new Path("/empty"), Options.Rename.OVERWRITE);
        fs.mkdirs(new Path("/gone/x"));
        fs.delete(new Path("/gone"), true);
        fs.setPermission(new Path("/a/f"), new FsPermission((short) 0640));
        fs.setOwner(new Path("/a/f"), "alice", "staff");
        fs.setOwner(new Path("/a/t"), null, "students");
        fs.setTimes(new Path("/a/t"), 1600000000000L, 1600000000001L);
        fs.setTimes(new Path("/empty"), 1600000000002L, -1);
        fs.setReplication(new Path("/a/p1"), (short) 2);
        fs.setQuota(new Path("/a"), 1000, 10_000_000);
        fs.setQuota(new Path("/empty"), 50, Long.MAX_VALUE);
        fs.setQuota(new Path("/a/moved"), 50, 50_000);
        fs.setQuota(new Path("/a/moved"), -1, -1);
        fs.modifyAclEntries(new Path("/a"), AclEntry.parseAclSpec("user:bob:rwx,default:group:students:r-x", true));
        fs.mkdirs(new Path("/a/inherits"));
        try (FSDataOutputStream out = fs.create(new Path("/a/inherited"), true, 4096, (short) 1, 1024)) { out.write(data, 0, 3); }
        fs.modifyAclEntries(new Path("/empty"), AclEntry.parseAclSpec("user:bob:rwx", true));
        fs.removeAcl(new Path("/empty"));
        fs.setXAttr(new Path("/a/f"), "user.color", "red".getBytes());
        fs.setXAttr(new Path("/a/f"), "user.none", new byte[0]);
        fs.setXAttr(new Path("/a/f"), "trusted.color", "blue".getBytes());
        fs.setXAttr(new Path("/a/f"), "user.color", "green".getBytes(), EnumSet.of(XAttrSetFlag.REPLACE));
        fs.setXAttr(new Path("/a/f"), "user.gone", "x".getBytes());
        fs.removeXAttr(new Path("/a/f"), "user.gone");
        fs.setStoragePolicy(new Path("/empty"), "COLD");
        fs.setStoragePolicy(new Path("/a/f"), "WARM");
        fs.unsetStoragePolicy(new Path("/a/f"));
        fs.setStoragePolicy(new Path("/a/t"), "ALL_SSD");
    }

    static MiniDFSCluster open(File dir) throws Exception {
        return new MiniDFSCluster.Builder(conf(dir)).manageNameDfsDirs(false).format(false)
            .numDataNodes(0).waitSafeMode(false).build();
    }

    static int checkpoint(File dir) throws Exception {
        MiniDFSCluster cluster = open(dir);
        try (DistributedFileSystem fs = cluster.getFileSystem()) {
            fs.setSafeMode(SafeModeAction.ENTER);
            fs.saveNamespace();
        }
        cluster.shutdown();
        return 0;
    }

    static int list(File dir, PrintStream out) throws Exception {
        MiniDFSCluster cluster = open(dir);
        try (DistributedFileSystem fs = cluster.getFileSystem()) {
            show(fs, out);
        }
        cluster.shutdown();
        return 0;
    }

    /** Prints the tree. In safe mode, a NameNode without DataNodes would not name the blocks. */
    static void show(DistributedFileSystem fs, PrintStream out) throws Exception {
        fs.setSafeMode(SafeModeAction.FORCE_EXIT);
        tree(fs, new Path("/"), out);
    }

    /** Prints one line for each inode: its path and all that a client can ask about it. */
    static void tree(DistributedFileSystem fs, Path path, PrintStream out) throws Exception {
        HdfsFileStatus status = fs.getClient().getFileInfo(path.toUri().getPath());
        StringBuilder line = new StringBuilder(path.toUri().getPath());
        line.append(" id=").append(status.getFileId()).append(status.isDirectory() ? " dir" : " file");
        line.append(" mode=").append(Integer.toOctalString(status.getPermission().toShort()));
        line.append(" owner=").append(status.getOwner()).append(':').append(status.getGroup());
        line.append(" times=").append(status.getModificationTime()).append('/').append(status.getAccessTime());
        line.append(" policy=").append(status.getStoragePolicy());
        line.append(" acl=").append(fs.getAclStatus(path).getEntries());
        Map<String, String> attributes = new TreeMap<>();
        for (Map.Entry<String, byte[]> it : fs.getXAttrs(path).entrySet()) {
            attributes.put(it.getKey(), it.getValue() == null ? "" : new String(it.getValue()));
        }
        line.append(" xattrs=").append(attributes);
        if (status.isDirectory()) {
            line.append(" quota=").append(fs.getContentSummary(path).getQuota());
            line.append('/').append(fs.getContentSummary(path).getSpaceQuota());
        } else {
            line.append(" length=").append(status.getLen()).append('x').append(status.getReplication());
            line.append(" blocksize=").append(status.getBlockSize()).append(" blocks=");
            for (LocatedBlock block : fs.getClient().getLocatedBlocks(path.toUri().getPath(), 0).getLocatedBlocks()) {
                line.append(block.getBlock().getLocalBlock()).append(':').append(block.getBlockSize()).append(',');
            }
        }
        out.println(line);
        if (status.isDirectory()) {
            FileStatus[] children = fs.listStatus(path);
            Arrays.sort(children);
            for (FileStatus child : children) tree(fs, child.getPath(), out);
        }
    }
}
