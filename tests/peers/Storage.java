// Hadoop's own programs on the files of a NameNode. Reads commands from standard input, one per
// line with words separated by tabs, and answers each with its output and `=> STATUS`:
//   oev FILE       prints a file of edits as XML
//   oiv FILE       prints an image as XML
//   sizes FILE     prints the distribution of an image's files by their sizes
//   write DIR [SEED]  formats DIR/name with a NameNode and a DataNode, makes the tree of `script`,
//                     and with a seed that of `vary` as well; stops
//   list DIR       starts a NameNode on DIR/name as it is, and prints its tree
//   drop DIR SEED  starts a NameNode on DIR/name as it is, deletes its snapshots one by one with
//                  changes in between, and prints what is left each time, without times
//   checkpoint DIR starts a NameNode on DIR/name as it is, and saves its tree as an image
//   script URI     makes the tree of `script` on a running cluster
//   vary URI SEED  makes snapshots, and changes what they show at random, on a running cluster
//   prune URI SEED does what `drop` does on a running cluster
//   tree URI       prints the tree of a running cluster
//   grow URI COUNT makes a tree of so many entries, with every attribute there is, on a running
//                  cluster
//   save URI       saves an image of a running cluster
//   read URI PATH  reads a file, and prints the class of the exception
//   mkdir URI PATH makes a directory, and prints the class of the exception
import java.io.BufferedReader;
import java.io.File;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.URI;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.hadoop.fs.ContentSummary;
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
import org.apache.hadoop.hdfs.protocol.SnapshotDiffReport.DiffReportEntry;
import org.apache.hadoop.hdfs.protocol.SnapshotDiffReport.DiffType;
import org.apache.hadoop.hdfs.protocol.SnapshottableDirectoryStatus;
import org.apache.hadoop.hdfs.tools.offlineEditsViewer.OfflineEditsViewer;
import org.apache.hadoop.hdfs.tools.offlineImageViewer.OfflineImageViewerPB;
import org.apache.hadoop.util.ToolRunner;

public class Storage {
    public static void main(String[] args) throws Exception {
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), false, "UTF-8");
        System.setOut(System.err); // what the programs say besides
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = in.readLine()) != null;) {
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
        System.exit(0); // Hadoop's threads would keep the JVM
    }

    static int run(String[] words, PrintStream out) throws Exception {
        switch (words[0]) {
            case "oev":
                return view(words[1], out, true);
            case "oiv":
                return view(words[1], out, false);
            case "sizes":
                return sizes(words[1], out);
            case "write":
                return write(new File(words[1]), words.length > 2 ? Long.parseLong(words[2]) : -1);
            case "drop":
                return drop(new File(words[1]), Long.parseLong(words[2]), out);
            case "vary":
                try (DistributedFileSystem fs = connect(words[1])) {
                    vary(fs, Long.parseLong(words[2]));
                }
                return 0;
            case "prune":
                try (DistributedFileSystem fs = connect(words[1])) {
                    prune(fs, Long.parseLong(words[2]), out);
                }
                return 0;
            case "list":
                return list(new File(words[1]), out);
            case "checkpoint":
                return checkpoint(new File(words[1]));
            case "script":
                try (DistributedFileSystem fs = connect(words[1])) {
                    script(fs);
                }
                return 0;
            case "tree":
                try (DistributedFileSystem fs = connect(words[1])) {
                    show(fs, out);
                }
                return 0;
            case "grow":
                try (DistributedFileSystem fs = connect(words[1])) {
                    grow(fs, Integer.parseInt(words[2]));
                }
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
                try (DistributedFileSystem fs = connect(words[1])) {
                    save(fs);
                }
                return 0;
            default:
                throw new IllegalArgumentException(words[0]);
        }
    }

    static DistributedFileSystem connect(String uri) throws Exception {
        HdfsConfiguration conf = new HdfsConfiguration();
        conf.setInt("dfs.client.max.block.acquire.failures", 0); // no block appears by waiting
        return (DistributedFileSystem) FileSystem.newInstance(new URI(uri), conf);
    }

    static int view(String file, PrintStream out, boolean edits) throws Exception {
        File xml = File.createTempFile("view", ".xml");
        int status = edits
                ? ToolRunner.run(new OfflineEditsViewer(),
                        new String[]{"-i", file, "-o", xml.getPath(), "-p", "xml"})
                : OfflineImageViewerPB
                        .run(new String[]{"-i", file, "-o", xml.getPath(), "-p", "XML"});
        out.println(Files.readString(xml.toPath()));
        xml.delete();
        return status;
    }

    static int sizes(String file, PrintStream out) throws Exception {
        File text = File.createTempFile("sizes", ".txt");
        int status = OfflineImageViewerPB
                .run(new String[]{"-i", file, "-o", text.getPath(), "-p", "FileDistribution"});
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
        // A listing must not change what it shows.
        conf.set("dfs.namenode.accesstime.precision", "0");
        conf.set("dfs.replication", "1");
        conf.set("dfs.namenode.delegation.token.always-use", "true");
        conf.set(MiniDFSCluster.HDFS_MINIDFS_BASEDIR, new File(dir, "mini").getPath());
        return conf;
    }

    static int write(File dir, long seed) throws Exception {
        HdfsConfiguration conf = conf(dir);
        conf.set("dfs.namenode.accesstime.precision", "1");
        MiniDFSCluster cluster = new MiniDFSCluster.Builder(conf).manageNameDfsDirs(false)
                .numDataNodes(1).build();
        cluster.waitActive();
        try (DistributedFileSystem fs = cluster.getFileSystem()) {
            script(fs);
            if (seed >= 0) vary(fs, seed);
        }
        cluster.shutdown();
        return 0;
    }

    static void script(DistributedFileSystem fs) throws Exception {
        fs.mkdirs(new Path("/a/b/c"));
        fs.mkdirs(new Path("/gr\u00f6\u00dfe \ud83d\ude00"), new FsPermission((short) 01777));
        byte[] data = new byte[2000];
        try (FSDataOutputStream out = fs.create(new Path("/a/f"), true, 4096, (short) 1, 512)) {
            out.write(data);
        }
        try (FSDataOutputStream out = fs.create(new Path("/a/f"), true, 4096, (short) 1, 1024)) {
            out.write(data);
        }
        try (FSDataOutputStream out = fs.append(new Path("/a/f"))) {
            out.write(data, 0, 100);
        }
        for (String part : List.of("/a/p1", "/a/p2", "/a/p3")) {
            try (FSDataOutputStream out = fs.create(new Path(part), true, 4096, (short) 1, 1024)) {
                out.write(data, 0, 1024);
            }
        }
        fs.concat(new Path("/a/p1"), new Path[]{new Path("/a/p2"), new Path("/a/p3")});
        try (FSDataOutputStream out = fs.create(new Path("/a/t"), true, 4096, (short) 1, 1024)) {
            out.write(data);
        }
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
        fs.modifyAclEntries(new Path("/a"),
                AclEntry.parseAclSpec("user:bob:rwx,default:group:students:r-x", true));
        fs.mkdirs(new Path("/a/inherits"));
        try (FSDataOutputStream out = fs.create(new Path("/a/inherited"), true, 4096, (short) 1,
                1024)) {
            out.write(data, 0, 3);
        }
        fs.modifyAclEntries(new Path("/empty"), AclEntry.parseAclSpec("user:bob:rwx", true));
        fs.removeAcl(new Path("/empty"));
        fs.setXAttr(new Path("/a/f"), "user.color", "red".getBytes());
        fs.setXAttr(new Path("/a/f"), "user.none", new byte[0]);
        fs.setXAttr(new Path("/a/f"), "trusted.color", "blue".getBytes());
        fs.setXAttr(new Path("/a/f"), "user.color", "green".getBytes(),
                EnumSet.of(XAttrSetFlag.REPLACE));
        fs.setXAttr(new Path("/a/f"), "user.gone", "x".getBytes());
        fs.removeXAttr(new Path("/a/f"), "user.gone");
        fs.setStoragePolicy(new Path("/empty"), "COLD");
        fs.setStoragePolicy(new Path("/a/f"), "WARM");
        fs.unsetStoragePolicy(new Path("/a/f"));
        fs.setStoragePolicy(new Path("/a/t"), "ALL_SSD");
        fs.setQuotaByStorageType(new Path("/empty"), StorageType.SSD, 5_000_000);
        // Hadoop's order of names has the bytes above 127 first.
        for (String name : List.of("/gr", "/grz", "/gr\u00f6z", "/\u00e4", "/z"))
            fs.mkdirs(new Path(name));
        fs.addCachePool(new CachePoolInfo("pool").setOwnerName("alice").setGroupName("staff")
                .setMode(new FsPermission((short) 0750)).setLimit(1_000_000L)
                .setMaxRelativeExpiryMs(3_600_000L));
        fs.addCacheDirective(
                new CacheDirectiveInfo.Builder().setPath(new Path("/a")).setPool("pool").build());
        fs.removeCacheDirective(fs.addCacheDirective(
                new CacheDirectiveInfo.Builder().setPath(new Path("/z")).setPool("pool").build()));
        fs.getDelegationToken("alice");
        fs.getDelegationToken("yarn");
        FSDataOutputStream left = fs.create(new Path("/a/open"), true, 4096, (short) 1, 1024);
        left.write(data);
        left.hsync();
        DFSTestUtil.abortStream((DFSOutputStream) left.getWrappedStream());
    }

    /**
     * Makes entries, each like the number that it has. After a half there is a snapshot, and
     * earlier entries are changed and removed.
     */
    static void grow(DistributedFileSystem fs, int count) throws Exception {
        int half = count / 2;
        growPart(fs, 0, half, count);
        grown(fs, half);
        fs.allowSnapshot(new Path("/grown"));
        fs.createSnapshot(new Path("/grown"), "half");
        growPart(fs, half + 1, count, count);
    }

    /** Makes entries, many at a time: calls that wait for the disk together share a flush. */
    static void growPart(DistributedFileSystem fs, int from, int to, int count) throws Exception {
        for (int number = from; number < to; number++) {
            if (number % 100 == 0) grown(fs, number);
        }
        List<Callable<Void>> entries = new ArrayList<>();
        for (int number = from; number < to; number++) {
            int entry = number;
            if (number % 100 != 0) entries.add(() -> { grown(fs, entry); return null; });
            if (number > count / 2 && number % 7 == 1) entries.add(() -> {
                again(fs, growing((int) (entry * 31L % (count / 2))), entry);
                return null;
            });
        }
        ExecutorService threads = Executors.newFixedThreadPool(32);
        try {
            for (Future<Void> entry : threads.invokeAll(entries)) entry.get();
        } finally {
            threads.shutdownNow();
        }
    }

    /**
     * Returns the path of an entry: those after a hundredth one are in it, but for each thousandth.
     */
    static Path growing(int number) {
        int last = (number - 1) / 100 * 100;
        String dir = number < 1 || last % 1000 == 0 ? "/grown" : growing(last).toUri().getPath();
        return new Path(dir + "/" + (number % 11 == 0 ? "n\u00e4me" : "name") + number);
    }

    static void grown(DistributedFileSystem fs, int number) throws Exception {
        Path path = growing(number);
        if (number % 100 == 0) {
            fs.mkdirs(path, new FsPermission((short) (0700 | number % 64)));
        } else if (number % 10 == 0) {
            fs.mkdirs(path);
        } else {
            fs.create(path, FsPermission.getFileDefault(), true, 4096, (short) (1 + number % 3),
                    1024L * (1 + number % 5), null).close();
        }
        boolean isDir = number % 10 == 0;
        if (number % 3 == 0) fs.setOwner(path, "user" + number % 17, "group" + number % 5);
        if (number % 4 == 0) fs.setPermission(path, new FsPermission((short) (number % 512)));
        if (number % 5 == 0) fs.setTimes(path, 1_600_000_000_000L + number,
                isDir ? -1 : 1_600_000_000_001L + number);
        if (number % 7 == 0) fs.modifyAclEntries(path, AclEntry
                .parseAclSpec("user:u" + number % 13 + ":r-x,group:g" + number % 3 + ":rwx", true));
        if (number % 9 == 0)
            fs.setXAttr(path, "user.number" + number % 4, Integer.toString(number).getBytes());
        if (number % 13 == 0) fs.setXAttr(path, "trusted.none", null);
        if (number % 19 == 0) fs.setStoragePolicy(path, number % 2 == 0 ? "COLD" : "ONE_SSD");
        // Hadoop's loader takes a directory with a quota by type alone for one with the highest of
        // the others.
        if (isDir && number % 20 == 0) fs.setQuota(path, 1000 + number, 1_000_000L + number);
        if (isDir && number % 60 == 0)
            fs.setQuotaByStorageType(path, StorageType.DISK, 1_000_000L + number);
    }

    /** Changes or removes an entry that a snapshot shows, if it is still there. */
    static void again(DistributedFileSystem fs, Path path, int number) throws Exception {
        try {
            switch (number % 4) {
                case 0:
                    if (number % 10 != 0) fs.delete(path, false);
                    break;
                case 1:
                    fs.setPermission(path, new FsPermission((short) 0711));
                    break;
                case 2:
                    fs.setReplication(path, (short) 2);
                    break;
                default:
                    fs.setXAttr(path, "user.again", "again".getBytes());
            }
        } catch (IOException refused) {
        }
    }

    static final String[] ROOTS = {"/snap/one", "/snap/two", "/snap/none"};
    static final String[] NAMES = {"a", "b", "c\u00e4", "c", "d/a", "d/b", "d/e/a", "d/e", "d"};
    static final String[] LABELS = {"s0", "s1", "s2", "\u00e4s"};

    /**
     * Changes two directories with snapshots and one without at random. Leaves a file open that a
     * snapshot shows.
     */
    static void vary(DistributedFileSystem fs, long seed) throws Exception {
        for (String root : ROOTS) fs.mkdirs(new Path(root + "/d/e"));
        for (int i = 0; i < 2; i++) fs.allowSnapshot(new Path(ROOTS[i]));
        fs.setQuota(new Path(ROOTS[1]), 1000, 1 << 30);
        Random random = new Random(seed);
        for (int number = 0; number < 150; number++) change(fs, random, true);
        FSDataOutputStream left = fs.create(new Path("/snap/one/left"), true, 4096, (short) 1,
                1024);
        left.write(new byte[1500]);
        left.hsync();
        fs.createSnapshot(new Path("/snap/one"), "left");
        DFSTestUtil.abortStream((DFSOutputStream) left.getWrappedStream());
    }

    /** Does what the generator says. What is refused leaves no trace. */
    static void change(DistributedFileSystem fs, Random random, boolean withData) throws Exception {
        Path path = some(random), other = some(random), root = new Path(ROOTS[random.nextInt(2)]);
        String label = LABELS[random.nextInt(4)], second = LABELS[random.nextInt(4)];
        int size = random.nextInt(3) * 1024 + random.nextInt(1000), kind = random.nextInt(23);
        try {
            switch (kind) {
                case 0:
                case 1:
                    fs.mkdirs(path, new FsPermission((short) (0700 | size % 64)));
                    break;
                case 2:
                case 3:
                case 4:
                    create(fs, path, withData ? size : 0);
                    break;
                case 5:
                    if (withData) {
                        try (FSDataOutputStream out = fs.append(path)) {
                            out.write(new byte[100]);
                        }
                    }
                    break;
                case 6:
                case 7:
                    fs.delete(path, true);
                    break;
                case 8:
                case 9:
                    fs.rename(path, other);
                    break;
                case 10:
                case 11:
                    fs.rename(path, other, Options.Rename.OVERWRITE);
                    break;
                case 12:
                    fs.setPermission(path, new FsPermission((short) (0700 | size % 64)));
                    break;
                case 13:
                    fs.setOwner(path, size % 2 == 0 ? "alice" : "bob", "g" + size % 3);
                    break;
                case 14:
                    fs.setReplication(path, (short) (1 + size % 2));
                    break;
                case 15:
                    fs.setXAttr(path, "user.x", Integer.toString(size % 5).getBytes());
                    break;
                case 16:
                    if (withData) fs.truncate(path, 1024);
                    break;
                case 17:
                    fs.modifyAclEntries(path,
                            AclEntry.parseAclSpec("user:u" + size % 3 + ":r-x", true));
                    break;
                case 18:
                case 19:
                case 20:
                    fs.createSnapshot(root, label);
                    break;
                case 21:
                    fs.deleteSnapshot(root, label);
                    break;
                default:
                    fs.renameSnapshot(root, label, second);
            }
        } catch (IOException refused) {
        }
    }

    static Path some(Random random) {
        return new Path(ROOTS[random.nextInt(3)] + "/" + NAMES[random.nextInt(NAMES.length)]);
    }

    static void create(DistributedFileSystem fs, Path path, int size) throws Exception {
        try (FSDataOutputStream out = fs.create(path, true, 4096, (short) 1, 1024)) {
            out.write(new byte[size]);
        }
    }

    static int drop(File dir, long seed, PrintStream out) throws Exception {
        MiniDFSCluster cluster = open(dir);
        try (DistributedFileSystem fs = cluster.getFileSystem()) {
            prune(fs, seed, out);
        }
        cluster.shutdown();
        return 0;
    }

    static void prune(DistributedFileSystem fs, long seed, PrintStream out) throws Exception {
        fs.setSafeMode(SafeModeAction.FORCE_EXIT);
        Random random = new Random(seed);
        for (int left = 1; left > 0;) {
            left = 0;
            for (int i = 0; i < 2; i++) {
                Path root = new Path(ROOTS[i]);
                FileStatus[] snapshots = fs.listStatus(new Path(root, ".snapshot"));
                left += snapshots.length;
                if (snapshots.length > 0) fs.deleteSnapshot(root,
                        snapshots[random.nextInt(snapshots.length)].getPath().getName());
            }
            for (int number = 0; number < 5; number++) change(fs, random, false);
            out.println("left " + left);
            frozen(fs, new Path("/snap"), out, false);
            snapshots(fs, out, false);
            if (random.nextInt(30) == 0) return;
        }
    }

    /** Prints what each snapshot shows, and the differences of any two. */
    static void snapshots(DistributedFileSystem fs, PrintStream out, boolean withTimes)
            throws Exception {
        SnapshottableDirectoryStatus[] roots = fs.getSnapshottableDirListing();
        if (roots == null) return;
        Arrays.sort(roots, Comparator.comparing(root -> root.getFullPath().toString()));
        for (SnapshottableDirectoryStatus status : roots) {
            Path root = status.getFullPath();
            out.println("snapshots of " + root + " " + status.getSnapshotNumber() + " "
                    + status.getSnapshotQuota());
            ContentSummary summary = fs.getContentSummary(root);
            out.println("summary " + summary + " " + summary.getSnapshotLength() + " "
                    + summary.getSnapshotFileCount() + " "
                    + summary.getSnapshotDirectoryCount() + " "
                    + summary.getSnapshotSpaceConsumed());
            List<String> labels = new ArrayList<>();
            for (FileStatus snapshot : fs.listStatus(new Path(root, ".snapshot"))) {
                labels.add(snapshot.getPath().getName());
                frozen(fs, snapshot.getPath(), out, withTimes);
            }
            labels.add("");
            for (String from : labels) for (String to : labels) {
                if (!from.equals(to)) out.println(
                        "diff " + root + " " + from + " " + to + certain(fs, root, from, to));
            }
        }
    }

    /**
     * Leaves out that inodes with extended attributes were modified. Hadoop compares these by
     * identity, so each that it has loaded from an image differs from every earlier one.
     */
    static List<DiffReportEntry> certain(DistributedFileSystem fs, Path root, String from,
            String to) throws Exception {
        List<DiffReportEntry> certain = new ArrayList<>();
        for (DiffReportEntry entry : fs.getSnapshotDiffReport(root, from, to).getDiffList()) {
            boolean counts = true;
            for (String snapshot : entry.getType() == DiffType.MODIFY ? new String[]{from, to}
                    : new String[0]) {
                // The path is that of the earlier of the two, where there may be another inode in
                // the later.
                Path path = new Path(
                        root + "/.snapshot/" + snapshot + "/" + new String(entry.getSourcePath()));
                counts &= snapshot.isEmpty() || !fs.exists(path) || fs.getXAttrs(path).isEmpty();
            }
            if (counts) certain.add(entry);
        }
        return certain;
    }

    /** Prints a tree as a snapshot shows it. */
    static void frozen(DistributedFileSystem fs, Path path, PrintStream out, boolean withTimes)
            throws Exception {
        HdfsFileStatus status = fs.getClient().getFileInfo(path.toUri().getPath());
        StringBuilder line = new StringBuilder(path.toUri().getPath());
        line.append(" id=").append(status.getFileId()).append(' ').append(status.getPermission());
        line.append(' ').append(status.getOwner()).append(':').append(status.getGroup());
        line.append(" length=").append(status.getLen()).append('x').append(status.getReplication())
                .append(" children=").append(status.getChildrenNum());
        if (withTimes) line.append(" times=").append(status.getModificationTime()).append('/')
                .append(status.getAccessTime());
        line.append(" acl=").append(fs.getAclStatus(path).getEntries());
        for (Map.Entry<String, byte[]> it : new TreeMap<>(fs.getXAttrs(path)).entrySet())
            line.append(' ').append(it.getKey()).append('=').append(new String(it.getValue()));
        if (!status.isDirectory()) {
            line.append(" blocks=");
            for (LocatedBlock block : fs.getClient().getLocatedBlocks(path.toUri().getPath(), 0)
                    .getLocatedBlocks())
                line.append(block.getBlock().getBlockId()).append(',');
        }
        out.println(line);
        if (status.isDirectory()) {
            FileStatus[] children = fs.listStatus(path);
            Arrays.sort(children);
            for (FileStatus child : children) frozen(fs, child.getPath(), out, withTimes);
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

    /**
     * Prints the tree and its snapshots. In safe mode, a NameNode without DataNodes would not name
     * the blocks.
     */
    static void show(DistributedFileSystem fs, PrintStream out) throws Exception {
        fs.setSafeMode(SafeModeAction.FORCE_EXIT);
        tree(fs, new Path("/"), out);
        snapshots(fs, out, true);
    }

    /** Prints one line for each inode: its path and all that a client can ask about it. */
    static void tree(DistributedFileSystem fs, Path path, PrintStream out) throws Exception {
        HdfsFileStatus status = fs.getClient().getFileInfo(path.toUri().getPath());
        StringBuilder line = new StringBuilder(path.toUri().getPath());
        line.append(" id=").append(status.getFileId())
                .append(status.isDirectory() ? " dir" : " file");
        line.append(" mode=").append(Integer.toOctalString(status.getPermission().toShort()));
        line.append(" owner=").append(status.getOwner()).append(':').append(status.getGroup());
        line.append(" times=").append(status.getModificationTime()).append('/')
                .append(status.getAccessTime());
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
            line.append(" length=").append(status.getLen()).append('x')
                    .append(status.getReplication());
            line.append(" closed=").append(fs.isFileClosed(path));
            line.append(" blocksize=").append(status.getBlockSize()).append(" blocks=");
            for (LocatedBlock block : fs.getClient().getLocatedBlocks(path.toUri().getPath(), 0)
                    .getLocatedBlocks()) {
                line.append(block.getBlock().getLocalBlock()).append(':')
                        .append(block.getBlockSize()).append(',');
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
