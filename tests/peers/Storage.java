// Hadoop's own programs on the files of a NameNode. Reads commands from standard input, one per
// line with words separated by tabs, and answers each with its output and `=> STATUS`:
//   oev FILE       prints a file of edits as XML
//   oiv FILE       prints an image as XML
//   sizes FILE     prints the distribution of an image's files by their sizes
//   write DIR      formats DIR/name with a NameNode and a DataNode, makes the tree of `script`, stops
//   list DIR       starts a NameNode on DIR/name as it is, and prints its tree
//   checkpoint DIR starts a NameNode on DIR/name as it is, and saves its tree as an image
//   script URI     makes the tree of `script` on a running cluster
//   tree URI       prints the tree of a running cluster
//   grow URI COUNT makes a tree of so many entries, with every attribute there is, on a running cluster
//   save URI       saves an image of a running cluster
//   read URI PATH  reads a file, and prints the class of the exception
//   mkdir URI PATH makes a directory, and prints the class of the exception
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
import java.util.concurrent.Callable;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Options;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.SafeModeAction;
import org.apache.hadoop.fs.StorageType;
import org.apache.hadoop.fs.XAttrSetFlag;
import org.apache.hadoop.fs.permission.AclEntry;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.hdfs.DFSOutputStream;
import org.apache.hadoop.hdfs.DFSTestUtil;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.hdfs.HdfsConfiguration;
import org.apache.hadoop.hdfs.MiniDFSCluster;
import org.apache.hadoop.hdfs.protocol.CacheDirectiveInfo;
import org.apache.hadoop.hdfs.protocol.CachePoolInfo;
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
            case "sizes": return sizes(words[1], out);
            case "write": return write(new File(words[1]));
            case "list": return list(new File(words[1]), out);
            case "checkpoint": return checkpoint(new File(words[1]));
            case "script":
                try (DistributedFileSystem fs = connect(words[1])) { script(fs); }
                return 0;
            case "tree":
                try (DistributedFileSystem fs = connect(words[1])) { show(fs, out); }
                return 0;
            case "grow":
                try (DistributedFileSystem fs = connect(words[1])) { grow(fs, Integer.parseInt(words[2])); }
                return 0;
            case "read":
                try (DistributedFileSystem fs = connect(words[1])) {
                    out.println(failure(() -> fs.open(new Path(words[2])).read()));
                }
                return 0;
            case "mkdir":
                try (DistributedFileSystem fs = connect(words[1])) {
                    out.println(failure(() -> fs.mkdirs(new Path(words[2]))));
                }
                return 0;
            case "save":
                try (DistributedFileSystem fs = connect(words[1])) { save(fs); }
                return 0;
            default: throw new IllegalArgumentException(words[0]);
        }
    }

    static DistributedFileSystem connect(String uri) throws Exception {
        HdfsConfiguration conf = new HdfsConfiguration();
        conf.setInt("dfs.client.max.block.acquire.failures", 0);    // no block appears by waiting
        return (DistributedFileSystem) FileSystem.newInstance(new URI(uri), conf);
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

    static int sizes(String file, PrintStream out) throws Exception {
        File text = File.createTempFile("sizes", ".txt");
        int status = OfflineImageViewerPB.run(new String[]{"-i", file, "-o", text.getPath(), "-p", "FileDistribution"});
        out.println(Files.readString(text.toPath()));
        text.delete();
        return status;
    }

    static String failure(Callable<?> call) {
        try {
            return "done: " + call.call();
        } catch (Exception failed) {
            return failed.getClass().getSimpleName() + ": " + failed.getMessage();
        }
    }

    static void save(DistributedFileSystem fs) throws Exception {
        fs.setSafeMode(SafeModeAction.ENTER);
        fs.saveNamespace();
        fs.setSafeMode(SafeModeAction.LEAVE);
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
        fs.setQuotaByStorageType(new Path("/empty"), StorageType.SSD, 5_000_000);
        // Hadoop's order of names has the bytes above 127 first.
        for (String name : List.of("/gr", "/grz", "/gr\u00f6z", "/\u00e4", "/z")) fs.mkdirs(new Path(name));
        fs.addCachePool(new CachePoolInfo("pool").setOwnerName("alice").setGroupName("staff")
            .setMode(new FsPermission((short) 0750)).setLimit(1_000_000L).setMaxRelativeExpiryMs(3_600_000L));
        fs.addCacheDirective(new CacheDirectiveInfo.Builder().setPath(new Path("/a")).setPool("pool").build());
        fs.removeCacheDirective(fs.addCacheDirective(new CacheDirectiveInfo.Builder().setPath(new Path("/z")).setPool("pool").build()));
        fs.getDelegationToken("alice");
        fs.getDelegationToken("yarn");
        FSDataOutputStream left = fs.create(new Path("/a/open"), true, 4096, (short) 1, 1024);
        left.write(data);
        left.hsync();
        DFSTestUtil.abortStream((DFSOutputStream) left.getWrappedStream());
    }

    /** Makes entries one after the other, each like the number that it has. */
    static void grow(DistributedFileSystem fs, int count) throws Exception {
        String dir = "/grown";
        for (int number = 0; number < count; number++) {
            String name = (number % 11 == 0 ? "n\u00e4me" : "name") + number;
            Path path = new Path(dir + "/" + name);
            if (number % 100 == 0) {
                fs.mkdirs(path, new FsPermission((short) (0700 | number % 64)));
                dir = number % 1000 == 0 ? "/grown" : path.toUri().getPath();
            } else if (number % 10 == 0) {
                fs.mkdirs(path);
            } else {
                fs.create(path, FsPermission.getFileDefault(), true, 4096, (short) (1 + number % 3), 1024L * (1 + number % 5), null).close();
            }
            boolean isDir = number % 10 == 0;
            if (number % 3 == 0) fs.setOwner(path, "user" + number % 17, "group" + number % 5);
            if (number % 4 == 0) fs.setPermission(path, new FsPermission((short) (number % 512)));
            if (number % 5 == 0) fs.setTimes(path, 1_600_000_000_000L + number, isDir ? -1 : 1_600_000_000_001L + number);
            if (number % 7 == 0) fs.modifyAclEntries(path, AclEntry.parseAclSpec("user:u" + number % 13 + ":r-x,group:g" + number % 3 + ":rwx", true));
            if (number % 9 == 0) fs.setXAttr(path, "user.number" + number % 4, Integer.toString(number).getBytes());
            if (number % 13 == 0) fs.setXAttr(path, "trusted.none", null);
            if (number % 19 == 0) fs.setStoragePolicy(path, number % 2 == 0 ? "COLD" : "ONE_SSD");
            // Hadoop's loader takes a directory with a quota by type alone for one with the highest of the others.
            if (isDir && number % 20 == 0) fs.setQuota(path, 1000 + number, 1_000_000L + number);
            if (isDir && number % 60 == 0) fs.setQuotaByStorageType(path, StorageType.DISK, 1_000_000L + number);
        }
    }

    static MiniDFSCluster open(File dir) throws Exception {
        return new MiniDFSCluster.Builder(conf(dir)).manageNameDfsDirs(false).format(false)
            .numDataNodes(0).waitSafeMode(false).build();
    }

    static int checkpoint(File dir) throws Exception {
        MiniDFSCluster cluster = open(dir);
        try (DistributedFileSystem fs = cluster.getFileSystem()) {
            save(fs);
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
            for (StorageType type : StorageType.getTypesSupportingQuota()) {
                line.append('/').append(fs.getContentSummary(path).getTypeQuota(type));
            }
        } else {
            line.append(" length=").append(status.getLen()).append('x').append(status.getReplication());
            line.append(" closed=").append(fs.isFileClosed(path));
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
