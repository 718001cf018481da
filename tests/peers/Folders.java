// The folders of a NameNode and a DataNode, DIR/name and DIR/blocks/dn1, in the hands of any
// release of Hadoop from 2.10 on. Reads commands from standard input, one per line with words
// separated by tabs, and answers each with its output and `=> STATUS`:
//   write DIR      formats them, makes a tree half of which is in an image and half in edits, and
//                  prints it
//   upgrade DIR    starts with -upgrade, prints the tree, and tells whether the upgrade is
//                  finalized
//   serve DIR      starts on them as they are, and prints the tree
//   start DIR      starts a NameNode on DIR/name as it is, without DataNodes, and prints why it
//                  does not start
//   add DIR NAME   starts on them as they are, and writes a file of three blocks
//   finalize DIR   starts on them as they are, and finalizes the upgrade
//   tree URI       prints the tree of a running cluster
//   make URI NAME  makes a tree on a running cluster
//   put URI NAME   writes a file of three blocks on a running cluster
//   append URI NAME appends to a file on a running cluster
//   admin URI WORD... calls hdfs dfsadmin on a running cluster
import java.io.BufferedReader;
import java.io.File;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.math.BigInteger;
import java.net.URI;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.fs.ContentSummary;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Options;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.StorageType;
import org.apache.hadoop.fs.permission.AclEntry;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.hdfs.DFSOutputStream;
import org.apache.hadoop.hdfs.DFSTestUtil;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.hdfs.HdfsConfiguration;
import org.apache.hadoop.hdfs.MiniDFSCluster;
import org.apache.hadoop.hdfs.protocol.CacheDirectiveInfo;
import org.apache.hadoop.hdfs.protocol.CachePoolInfo;
import org.apache.hadoop.hdfs.protocol.HdfsConstants.SafeModeAction;
import org.apache.hadoop.hdfs.protocol.HdfsFileStatus;
import org.apache.hadoop.hdfs.protocol.LocatedBlock;
import org.apache.hadoop.hdfs.protocol.SnapshottableDirectoryStatus;
import org.apache.hadoop.hdfs.server.common.HdfsServerConstants.StartupOption;
import org.apache.hadoop.hdfs.tools.DFSAdmin;

public class Folders {
    public static void main(String[] args) throws Exception {
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), false, "UTF-8");
        System.setOut(System.err); // what the programs say besides
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = in.readLine()) != null;) {
            int status = 0;
            try {
                run(line.split("\t"), out);
            } catch (Throwable error) {
                error.printStackTrace();
                out.println(error);
                status = 1;
            }
            out.println("=> " + status);
            out.flush();
        }
        Runtime.getRuntime().halt(0); // Hadoop's threads would keep the JVM
    }

    static void run(String[] words, PrintStream out) throws Exception {
        String place = words[1];
        switch (words[0]) {
            case "write":
                write(place, out);
                return;
            case "upgrade":
                serve(place, StartupOption.UPGRADE, out, null);
                return;
            case "serve":
                serve(place, StartupOption.REGULAR, out, null);
                return;
            case "add":
                serve(place, StartupOption.REGULAR, out, words[2]);
                return;
            case "start":
                start(place, out);
                return;
            case "finalize":
                try (MiniDFSCluster cluster = cluster(place, StartupOption.REGULAR, false, 1)) {
                    cluster.getFileSystem().finalizeUpgrade();
                }
                return;
            case "tree":
                try (DistributedFileSystem fs = connect(place)) {
                    show(fs, out);
                }
                return;
            case "put":
                try (DistributedFileSystem fs = connect(place)) {
                    put(fs, words[2]);
                }
                return;
            case "make":
                try (DistributedFileSystem fs = connect(place)) {
                    make(fs, words[2]);
                }
                return;
            case "append":
                try (DistributedFileSystem fs = connect(place);
                        FSDataOutputStream file = fs.append(new Path(words[2]))) {
                    file.write(new byte[400]);
                }
                return;
            case "admin": {
                HdfsConfiguration conf = new HdfsConfiguration();
                conf.set("fs.defaultFS", place);
                DFSAdmin admin = new DFSAdmin(conf);
                PrintStream before = System.out;
                System.setOut(out);
                int status = admin.run(Arrays.copyOfRange(words, 2, words.length));
                System.setOut(before);
                if (status != 0) throw new IllegalStateException("dfsadmin ended with " + status);
                return;
            }
            default:
                throw new IllegalArgumentException(words[0]);
        }
    }

    static DistributedFileSystem connect(String uri) throws Exception {
        return (DistributedFileSystem) FileSystem.newInstance(new URI(uri),
                new HdfsConfiguration());
    }

    static MiniDFSCluster cluster(String place, StartupOption how, boolean format, int dataNodes)
            throws Exception {
        return cluster(conf(place), how, format, dataNodes);
    }

    static HdfsConfiguration conf(String place) {
        HdfsConfiguration conf = new HdfsConfiguration();
        conf.set("dfs.namenode.name.dir", "file://" + place + "/name");
        conf.set("dfs.datanode.data.dir", "file://" + place + "/blocks/dn1");
        conf.set(MiniDFSCluster.HDFS_MINIDFS_BASEDIR, place + "/mini");
        conf.setInt("dfs.namenode.fs-limits.min-block-size", 512);
        conf.setBoolean("dfs.namenode.acls.enabled", true);
        conf.setLong("dfs.namenode.accesstime.precision", 0);
        new File(place, "blocks").mkdirs();
        return conf;
    }

    static MiniDFSCluster cluster(HdfsConfiguration conf, StartupOption how, boolean format,
            int dataNodes) throws Exception {
        MiniDFSCluster cluster = new MiniDFSCluster.Builder(conf).manageNameDfsDirs(false)
                .manageDataDfsDirs(false)
                .format(format).numDataNodes(dataNodes).startupOption(how).build();
        if (dataNodes > 0) cluster.waitActive();
        return cluster;
    }

    static void start(String place, PrintStream out) {
        try (MiniDFSCluster cluster = cluster(place, StartupOption.REGULAR, false, 0)) {
            out.println("started");
        } catch (Exception refused) {
            out.println(refused.getMessage());
        }
    }

    static void serve(String place, StartupOption how, PrintStream out, String added)
            throws Exception {
        try (MiniDFSCluster cluster = cluster(place, how, false, 1)) {
            DistributedFileSystem fs = cluster.getFileSystem();
            if (added != null) {
                put(fs, added);
                return;
            }
            show(fs, out);
            if (how == StartupOption.UPGRADE)
                out.println("finalized " + cluster.getNamesystem().isUpgradeFinalized());
        }
    }

    static void write(String place, PrintStream out) throws Exception {
        try (MiniDFSCluster cluster = cluster(place, StartupOption.REGULAR, true, 1)) {
            DistributedFileSystem fs = cluster.getFileSystem();
            make(fs, "/image");
            cluster.getNameNodeRpc().setSafeMode(SafeModeAction.SAFEMODE_ENTER, false);
            fs.saveNamespace();
            cluster.getNameNodeRpc().setSafeMode(SafeModeAction.SAFEMODE_LEAVE, false);
            make(fs, "/edits");
            fs.createSnapshot(new Path("/image/snap"), "after");
            fs.renameSnapshot(new Path("/image/snap"), "gone", "renamed");
            fs.setXAttr(new Path("/image/f"), "user.color", "green".getBytes());
            show(fs, out);
        }
    }

    /** Makes a tree with all that Hadoop 2.10 and a NameNode of Kerbox have. */
    static void make(DistributedFileSystem fs, String top) throws Exception {
        fs.mkdirs(new Path(top + "/a/b/c"), new FsPermission((short) 0751));
        fs.mkdirs(new Path(top + "/gr\u00f6\u00dfe \ud83d\ude00"), new FsPermission((short) 01777));
        put(fs, top + "/f");
        put(fs, top + "/g");
        fs.setPermission(new Path(top + "/f"), new FsPermission((short) 0640));
        fs.setOwner(new Path(top + "/f"), "alice", "staff");
        fs.setOwner(new Path(top + "/g"), null, "students");
        fs.setTimes(new Path(top + "/g"), 1600000000000L, 1600000000001L);
        fs.setXAttr(new Path(top + "/f"), "user.color", "red".getBytes());
        fs.setXAttr(new Path(top + "/f"), "trusted.none", new byte[0]);
        fs.modifyAclEntries(new Path(top + "/a"),
                AclEntry.parseAclSpec("user:bob:rwx,default:group:students:r-x", true));
        fs.mkdirs(new Path(top + "/a/inherits"));
        put(fs, top + "/a/inherited");
        fs.setQuota(new Path(top + "/a"), 1000, 10_000_000);
        fs.setQuotaByStorageType(new Path(top + "/a"), StorageType.DISK, 5_000_000);
        fs.setStoragePolicy(new Path(top + "/a/b"), "COLD");
        try (FSDataOutputStream more = fs.append(new Path(top + "/g"))) {
            more.write(new byte[700]);
        }
        for (String part : new String[]{"1", "2", "3"}) {
            try (FSDataOutputStream file = fs.create(new Path(top + "/p" + part), true, 4096,
                    (short) 1, 1024)) {
                file.write(new byte[1024]);
            }
        }
        fs.concat(new Path(top + "/p1"), new Path[]{new Path(top + "/p2"), new Path(top + "/p3")});
        put(fs, top + "/t");
        fs.truncate(new Path(top + "/t"), 1024);
        fs.rename(new Path(top + "/a/b"), new Path(top + "/moved"));
        fs.mkdirs(new Path(top + "/over"));
        fs.rename(new Path(top + "/moved/c"), new Path(top + "/over"), Options.Rename.OVERWRITE);
        fs.addCachePool(new CachePoolInfo("pool" + top.substring(1)).setOwnerName("alice")
                .setGroupName("staff").setMode(new FsPermission((short) 0750)));
        fs.addCacheDirective(new CacheDirectiveInfo.Builder().setPath(new Path(top + "/a"))
                .setPool("pool" + top.substring(1)).build());
        fs.getDelegationToken("alice");
        fs.mkdirs(new Path(top + "/snap/d"));
        fs.allowSnapshot(new Path(top + "/snap"));
        put(fs, top + "/snap/kept");
        put(fs, top + "/snap/d/removed");
        fs.createSnapshot(new Path(top + "/snap"), "one");
        fs.delete(new Path(top + "/snap/d"), true);
        fs.rename(new Path(top + "/snap/kept"), new Path(top + "/snap/renamed"));
        try (FSDataOutputStream more = fs.append(new Path(top + "/snap/renamed"))) {
            more.write(new byte[300]);
        }
        fs.createSnapshot(new Path(top + "/snap"), "gone");
        fs.createSnapshot(new Path(top + "/snap"), "two");
        fs.deleteSnapshot(new Path(top + "/snap"), "two");
        FSDataOutputStream left = fs.create(new Path(top + "/open"), true, 4096, (short) 1, 1024);
        left.write(new byte[1500]);
        left.hsync();
        DFSTestUtil.abortStream((DFSOutputStream) left.getWrappedStream());
    }

    static void put(DistributedFileSystem fs, String name) throws Exception {
        byte[] bytes = new byte[2500];
        new java.util.Random(name.hashCode()).nextBytes(bytes);
        try (FSDataOutputStream file = fs.create(new Path(name), true, 4096, (short) 1, 1024)) {
            file.write(bytes);
        }
    }

    static void show(DistributedFileSystem fs, PrintStream out) throws Exception {
        tree(fs, new Path("/"), out);
        SnapshottableDirectoryStatus[] roots = fs.getSnapshottableDirListing();
        if (roots == null) roots = new SnapshottableDirectoryStatus[0];
        Arrays.sort(roots, (one, other) -> one.getFullPath().compareTo(other.getFullPath()));
        for (SnapshottableDirectoryStatus status : roots) {
            Path root = status.getFullPath();
            String before = "";
            for (FileStatus snapshot : fs.listStatus(new Path(root, ".snapshot"))) {
                tree(fs, snapshot.getPath(), out);
                String name = snapshot.getPath().getName();
                out.println("diff " + root + " " + before + " " + name
                        + fs.getSnapshotDiffReport(root, before, name).getDiffList());
                before = name;
            }
        }
    }

    /**
     * Prints one line for each inode: its path and what clients of all releases can ask about it.
     */
    static void tree(DistributedFileSystem fs, Path path, PrintStream out) throws Exception {
        HdfsFileStatus status = fs.getClient().getFileInfo(path.toUri().getPath());
        StringBuilder line = new StringBuilder(path.toUri().getPath());
        line.append(" mode=").append(Integer.toOctalString(status.getPermission().toShort()));
        line.append(" owner=").append(status.getOwner()).append(':').append(status.getGroup());
        line.append(" times=").append(status.getModificationTime()).append('/')
                .append(status.getAccessTime());
        line.append(" policy=").append(status.getStoragePolicy()).append(" acl=")
                .append(fs.getAclStatus(path).getEntries());
        for (Map.Entry<String, byte[]> it : new TreeMap<>(fs.getXAttrs(path)).entrySet())
            line.append(' ').append(it.getKey()).append('=')
                    .append(it.getValue() == null ? "" : new String(it.getValue()));
        if (status.isDir()) {
            ContentSummary summary = fs.getContentSummary(path);
            line.append(" quota=").append(summary.getQuota()).append('/')
                    .append(summary.getSpaceQuota());
            line.append('/').append(summary.getTypeQuota(StorageType.DISK));
        } else {
            line.append(" length=").append(status.getLen()).append('x')
                    .append(status.getReplication()).append(" blocks=");
            for (LocatedBlock block : fs.getClient().getLocatedBlocks(path.toUri().getPath(), 0)
                    .getLocatedBlocks())
                line.append(block.getBlock().getBlockId()).append(':').append(block.getBlockSize())
                        .append(',');
            line.append(" bytes=").append(bytes(fs, path));
        }
        out.println(line);
        if (status.isDir()) {
            FileStatus[] children = fs.listStatus(path);
            Arrays.sort(children);
            for (FileStatus child : children) tree(fs, child.getPath(), out);
        }
    }

    static String bytes(DistributedFileSystem fs, Path path) throws Exception {
        if (path.getName().equals("open")) return "open " + fs.isFileClosed(path);
        MessageDigest digest = MessageDigest.getInstance("MD5");
        byte[] buffer = new byte[4096];
        try (InputStream in = fs.open(path)) {
            for (int read; (read = in.read(buffer)) >= 0;) digest.update(buffer, 0, read);
        }
        return new BigInteger(1, digest.digest()).toString(16);
    }
}
