import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.crypto.CryptoProtocolVersion;
import org.apache.hadoop.fs.ContentSummary;
import org.apache.hadoop.fs.CreateFlag;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Options;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.QuotaUsage;
import org.apache.hadoop.fs.XAttr;
import org.apache.hadoop.fs.XAttrSetFlag;
import org.apache.hadoop.fs.permission.AclEntry;
import org.apache.hadoop.fs.permission.FsAction;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.hdfs.XAttrHelper;
import org.apache.hadoop.hdfs.protocol.ClientProtocol;
import org.apache.hadoop.hdfs.protocol.DirectoryListing;
import org.apache.hadoop.hdfs.protocol.HdfsConstants;
import org.apache.hadoop.hdfs.protocol.HdfsFileStatus;
import org.apache.hadoop.hdfs.protocol.LocatedBlocks;
import org.apache.hadoop.hdfs.protocol.SnapshotDiffReport;
import org.apache.hadoop.hdfs.protocol.SnapshotDiffReportListing;
import org.apache.hadoop.hdfs.protocol.SnapshotDiffReportListing.DiffReportListingEntry;
import org.apache.hadoop.hdfs.protocol.SnapshotStatus;
import org.apache.hadoop.hdfs.protocol.SnapshottableDirectoryStatus;
import org.apache.hadoop.io.EnumSetWritable;
import org.apache.hadoop.ipc.RemoteException;
import org.apache.hadoop.security.UserGroupInformation;

/**
 * Takes, reads, changes and compares snapshots, and prints each answer on a line. Then does so at
 * random, and prints what all snapshots show after some steps.
 * Arguments: the superuser's name, which is printed as SUPERUSER; the number of random sequences.
 */
public class Snapshots {
    interface Call { Object make() throws Exception; }

    static final int BLOCK = 1 << 20;
    static String superuser, user;
    static DistributedFileSystem fs;
    static ClientProtocol nn;

    public static void main(String[] arguments) throws Exception {
        superuser = arguments[0];
        Configuration conf = new Configuration();
        conf.setInt("dfs.replication", 1);
        conf.setInt("dfs.blocksize", BLOCK);
        UserGroupInformation.setConfiguration(conf);
        as(superuser, conf, Snapshots::prepare);
        for (String name : new String[]{superuser, "alice", "bob"})
            as(name, conf, Snapshots::texts);
        as(superuser, conf, () -> {
            for (int seed = 0; seed < Integer.parseInt(arguments[1]); seed++) random(seed);
        });
    }

    interface Part { void run() throws Exception; }

    static void as(String name, Configuration conf, Part part) throws Exception {
        user = name.equals(superuser) ? "SUPERUSER" : name;
        UserGroupInformation.createRemoteUser(name)
                .doAs((java.security.PrivilegedExceptionAction<Void>) () -> {
                    try (FileSystem opened = FileSystem.newInstance(conf)) {
                        fs = (DistributedFileSystem) opened;
                        nn = fs.getClient().getNamenode();
                        part.run();
                    }
                    return null;
                });
    }

    static void write(String path, int size) throws Exception {
        try (FSDataOutputStream out = fs.create(new Path(path), true)) {
            out.write(new byte[size]);
        }
    }

    static void prepare() throws Exception {
        for (String directory : new String[]{"/snap", "/snap/d", "/snap/d/e", "/snap/d/closed",
            "/snap/other", "/snap/plain"})
            fs.mkdirs(new Path(directory));
        write("/snap/d/f", 10);
        write("/snap/d/e/g", BLOCK + 5);
        write("/snap/file", 1);
        fs.setPermission(new Path("/snap/d/closed"), new FsPermission((short) 0700));
        for (String directory : new String[]{"/snap/d", "/snap/d/f", "/snap/d/e"})
            fs.setOwner(new Path(directory), "alice", "staff");
        nn.setAcl("/snap/d/f",
                AclEntry.parseAclSpec("user::rw-,user:bob:r--,group::r--,other::---", true));
        nn.setXAttr("/snap/d/f", xattr("user.a", "1"), EnumSet.of(XAttrSetFlag.CREATE));
    }

    static XAttr xattr(String name, String value) {
        return XAttrHelper.buildXAttr(name, value.getBytes(StandardCharsets.UTF_8));
    }

    static void texts() throws Exception {
        String[] roots = {"/snap/d", "/snap/d/e", "/snap/file", "/nonexistent", "/snap/d/.snapshot",
            "/snap/d/.snapshot/s", "/snap", "/"};
        for (String root : roots)
            say("allow " + root, () -> { nn.allowSnapshot(root); return "allowed"; });
        say("snapshottable", () -> snapshottable());
        for (String root : roots) {
            for (String name : new String[]{"s", "s", ".", "a/b", "a:b", ".snapshot", ".reserved",
                "x".repeat(256), "two"})
                say("create " + root + " " + (name.length() > 99 ? "long" : name),
                        () -> nn.createSnapshot(root, name).replace("x".repeat(256), "LONG"));
            say("rename " + root + " missing",
                    () -> { nn.renameSnapshot(root, "none", "t"); return "renamed"; });
            say("rename " + root + " onto",
                    () -> { nn.renameSnapshot(root, "s", "two"); return "renamed"; });
            say("rename " + root + " same",
                    () -> { nn.renameSnapshot(root, "s", "s"); return "renamed"; });
            say("rename " + root + " bad",
                    () -> { nn.renameSnapshot(root, "s", "a/b"); return "renamed"; });
            say("rename " + root + " reserved", () -> {
                nn.renameSnapshot(root, "s", ".snapshot");
                return "renamed";
            });
            say("list " + root, () -> listed(root));
            say("disallow " + root, () -> { nn.disallowSnapshot(root); return "disallowed"; });
        }
        say("snapshottable", () -> snapshottable());
        reading();
        changing("/snap/d/.snapshot/s/f", "/snap/d/.snapshot/s/new");
        changing("/snap/d/.snapshot", "/snap/d/.snapshot/new");
        changing("/snap/d/.snapshot/none/f", "/snap/d/.snapshot/none/new");
        moving();
        String[] names = {"", "s", "two", "none"};
        for (String root : new String[]{"/snap/d", "/snap/d/e", "/snap/d/f", "/snap/plain",
            "/snap/file", "/nonexistent", "/snap", "/", "/snap/d/.snapshot/s"}) {
            for (String from : names) for (String to : names) {
                say("diff " + root + " " + from + " " + to, () -> diff(root, from, to));
                say("pages " + root + " " + from + " " + to, () -> page(
                        nn.getSnapshotDiffReportListing(root, from, to, new byte[0], -1)));
            }
        }
        for (String root : roots) for (String name : new String[]{"none", "s", "two"})
            say("delete " + root + " " + name, () -> {
                nn.deleteSnapshot(root, name);
                return "deleted";
            });
        say("disallow", () -> { nn.disallowSnapshot("/snap/d"); return "disallowed"; });
        say("dot", () -> status("/snap/d/.snapshot"));
        say("dot listed", () -> names("/snap/d/.snapshot"));
    }

    static void reading() throws Exception {
        for (String path : new String[]{"/snap/d/.snapshot", "/snap/d/.snapshot/",
            "/snap/d/.snapshot/s", "/snap/d/.snapshot/s/f", "/snap/d/.snapshot/s/e",
            "/snap/d/.snapshot/s/e/g", "/snap/d/.snapshot/s/closed", "/snap/d/.snapshot/s/closed/x",
            "/snap/d/.snapshot/s/none", "/snap/d/.snapshot/none",
            "/snap/d/.snapshot/none/f", "/snap/d/.snapshot/s/f/x", "/snap/d/.snapshot/s/.snapshot",
            "/snap/d/e/.snapshot", "/.snapshot", "/.snapshot/s",
            "/snap/plain/.snapshot", "/snap/file/.snapshot", "/nonexistent/.snapshot",
            "/.reserved/raw/snap/d/.snapshot/s/f"}) {
            say("status " + path, () -> status(path));
            say("link status " + path, () -> line(nn.getFileLinkInfo(path)));
            say("listing " + path, () -> names(path));
            say("blocks " + path, () -> blocks(path));
            say("closed " + path, () -> nn.isFileClosed(path));
            say("summary " + path, () -> summary(nn.getContentSummary(path)));
            say("usage " + path, () -> usage(nn.getQuotaUsage(path)));
            say("acl " + path, () -> nn.getAclStatus(path));
            say("xattrs " + path, () -> nn.getXAttrs(path, null));
            say("xattr names " + path, () -> nn.listXAttrs(path));
            say("policy " + path, () -> nn.getStoragePolicy(path).getName());
            say("ec " + path, () -> nn.getErasureCodingPolicy(path));
            say("target " + path, () -> nn.getLinkTarget(path));
            say("block size " + path, () -> nn.getPreferredBlockSize(path));
            for (FsAction action : new FsAction[]{FsAction.READ, FsAction.WRITE})
                say("access " + path + " " + action, () -> {
                    nn.checkAccess(path, action);
                    return "granted";
                });
        }
    }

    static void changing(String path, String fresh) throws Exception {
        say("mkdirs " + fresh, () -> nn.mkdirs(fresh, new FsPermission((short) 0755), true));
        say("mkdirs " + path, () -> nn.mkdirs(path, new FsPermission((short) 0755), true));
        say("create " + fresh,
                () -> line(nn.create(fresh, new FsPermission((short) 0644), "client",
                        new EnumSetWritable<>(EnumSet.of(CreateFlag.CREATE)), true, (short) 1,
                        BLOCK, new CryptoProtocolVersion[0], null, null)));
        say("append " + path, () -> nn.append(path, "client",
                new EnumSetWritable<>(EnumSet.of(CreateFlag.APPEND))));
        say("truncate " + path, () -> nn.truncate(path, 1, "client"));
        say("delete " + path, () -> nn.delete(path, true));
        say("rename " + path, () -> nn.rename(path, "/snap/moved"));
        say("rename onto " + fresh, () -> nn.rename("/snap/file", fresh));
        say("rename2 " + path, () -> { nn.rename2(path, "/snap/moved"); return "moved"; });
        say("rename2 onto " + path, () -> {
            nn.rename2("/snap/file", path, Options.Rename.OVERWRITE);
            return "moved";
        });
        say("permission " + path, () -> {
            nn.setPermission(path, new FsPermission((short) 0600));
            return "set";
        });
        say("owner " + path, () -> { nn.setOwner(path, "bob", null); return "set"; });
        say("times " + path, () -> { nn.setTimes(path, 1, 1); return "set"; });
        say("replication " + path, () -> nn.setReplication(path, (short) 2));
        say("quota " + path, () -> {
            nn.setQuota(path, 10, HdfsConstants.QUOTA_DONT_SET, null);
            return "set";
        });
        say("setAcl " + path, () -> {
            nn.setAcl(path, AclEntry.parseAclSpec("user::rw-,group::r--,other::---", true));
            return "set";
        });
        say("modifyAcl " + path, () -> {
            nn.modifyAclEntries(path, AclEntry.parseAclSpec("user:bob:r--", true));
            return "set";
        });
        say("removeAcl " + path, () -> { nn.removeAcl(path); return "removed"; });
        say("setXAttr " + path, () -> {
            nn.setXAttr(path, xattr("user.b", "1"), EnumSet.of(XAttrSetFlag.CREATE));
            return "set";
        });
        say("removeXAttr " + path,
                () -> { nn.removeXAttr(path, xattr("user.a", "1")); return "removed"; });
        say("setPolicy " + path, () -> { nn.setStoragePolicy(path, "COLD"); return "set"; });
        say("concat " + path,
                () -> { nn.concat(path, new String[]{"/snap/file"}); return "joined"; });
        say("concat from " + path,
                () -> { nn.concat("/snap/file", new String[]{path}); return "joined"; });
        say("lease " + path, () -> nn.recoverLease(path, "client"));
        say("symlink " + fresh, () -> {
            nn.createSymlink("/snap/file", fresh, FsPermission.getDefault(), true);
            return "linked";
        });
    }

    static void moving() throws Exception {
        for (String path : new String[]{"/snap", "/snap/d"}) {
            say("remove " + path, () -> nn.delete(path, true));
            say("move " + path, () -> nn.rename(path, "/elsewhere"));
            say("move2 " + path, () -> { nn.rename2(path, "/elsewhere"); return "moved"; });
        }
        if (!user.equals("SUPERUSER")) return;
        say("allow other", () -> { nn.allowSnapshot("/snap/other"); return "allowed"; });
        say("nest", () -> nn.rename("/snap/other", "/snap/d/other"));
        say("nest2", () -> { nn.rename2("/snap/other", "/snap/d/other"); return "moved"; });
        say("disallow other", () -> { nn.disallowSnapshot("/snap/other"); return "disallowed"; });
        say("concat", () -> {
            write("/snap/d/h", BLOCK);
            nn.concat("/snap/d/h", new String[]{"/snap/d/f"});
            return "joined";
        });
        say("remove h", () -> nn.delete("/snap/d/h", false));
    }

    static final String[] NAMES = {"a", "b", "c", "d/a", "d/b", "d/e/a", "d/e", "d"};
    static final String[] LABELS = {"s0", "s1", "s2", "s3"};

    /** Does and prints what the seed says, in two directories with snapshots and one without. */
    static void random(int seed) throws Exception {
        Random random = new Random(seed);
        String top = "/random" + seed;
        String[] roots = {top + "/one", top + "/two", top + "/none"};
        for (String root : roots) fs.mkdirs(new Path(root + "/d/e"));
        for (int i = 0; i < 2; i++) nn.allowSnapshot(roots[i]);
        if (seed % 3 == 1) nn.setQuota(roots[0], 1000, 1 << 30, null);
        for (int step = 0; step < 100; step++) {
            step(random, roots, seed + "." + step);
            if (step % 10 == 9) show(top, roots, seed + "." + step);
        }
        for (int i = 0; i < 2; i++) for (String label : LABELS) {
            String root = roots[i];
            say("delete " + root + " " + label,
                    () -> { nn.deleteSnapshot(root, label); return "deleted"; });
            show(top, roots, seed + " after " + label);
        }
        say("remove " + top, () -> nn.delete(top, true));
    }

    static String some(Random random, String[] of) { return of[random.nextInt(of.length)]; }

    static void step(Random random, String[] roots, String number) throws Exception {
        String path = some(random, roots) + "/" + some(random, NAMES),
                other = some(random, roots) + "/" + some(random, NAMES);
        String root = roots[random.nextInt(2)], label = some(random, LABELS),
                second = some(random, LABELS);
        int size = random.nextInt(3) * BLOCK + random.nextInt(1000), kind = random.nextInt(22);
        String what = number + " " + kind + " " + path + " ";
        switch (kind) {
            case 0:
            case 1:
                say(what + "mkdirs", () -> nn.mkdirs(path, new FsPermission((short) 0755), true));
                break;
            case 2:
            case 3:
            case 4:
                say(what + "write " + size, () -> { write(path, size); return "written"; });
                break;
            case 5:
                say(what + "append", () -> {
                    try (FSDataOutputStream out = fs.append(new Path(path))) {
                        out.write(new byte[100]);
                    }
                    return "appended";
                });
                break;
            case 6:
            case 7:
                say(what + "delete", () -> nn.delete(path, true));
                break;
            case 8:
            case 9:
                say(what + "rename " + other, () -> nn.rename(path, other));
                break;
            case 10:
            case 11:
                say(what + "rename2 " + other, () -> {
                    nn.rename2(path, other, Options.Rename.OVERWRITE);
                    return "moved";
                });
                break;
            case 12:
                say(what + "chmod", () -> {
                    nn.setPermission(path, new FsPermission((short) (0700 + size % 64)));
                    return "set";
                });
                break;
            case 13:
                say(what + "chown", () -> {
                    nn.setOwner(path, size % 2 == 0 ? "alice" : "bob", "g" + size % 3);
                    return "set";
                });
                break;
            case 14:
                say(what + "replication", () -> nn.setReplication(path, (short) (1 + size % 2)));
                break;
            case 15:
                say(what + "xattr", () -> {
                    nn.setXAttr(path, xattr("user.x", "" + size % 5),
                            EnumSet.of(XAttrSetFlag.CREATE, XAttrSetFlag.REPLACE));
                    return "set";
                });
                break;
            case 16:
                say(what + "truncate", () -> nn.truncate(path, BLOCK, "client"));
                break;
            case 17:
            case 18:
            case 19:
                say(what + "snapshot " + root + " " + label, () -> nn.createSnapshot(root, label));
                break;
            case 20:
                say(what + "drop " + root + " " + label,
                        () -> { nn.deleteSnapshot(root, label); return "deleted"; });
                break;
            default:
                say(what + "relabel " + root + " " + label, () -> {
                    nn.renameSnapshot(root, label, second);
                    return "renamed";
                });
        }
    }

    static void show(String top, String[] roots, String number) throws Exception {
        say(number + " tree", () -> tree(top));
        for (int i = 0; i < 2; i++) {
            String root = roots[i];
            say(number + " usage " + root, () -> usage(nn.getQuotaUsage(root)));
            say(number + " summary " + root, () -> summary(nn.getContentSummary(root)));
            List<String> labels = new ArrayList<>(Arrays.asList(""));
            for (HdfsFileStatus status : nn.getListing(root + "/.snapshot", new byte[0], false)
                    .getPartialListing())
                labels.add(status.getLocalName());
            for (String label : labels) {
                if (label.isEmpty()) continue;
                say(number + " tree " + root + " " + label,
                        () -> tree(root + "/.snapshot/" + label));
                say(number + " summary " + root + " " + label,
                        () -> summary(nn.getContentSummary(root + "/.snapshot/" + label)));
            }
            for (String from : labels) for (String to : labels) {
                say(number + " diff " + root + " " + from + " " + to, () -> diff(root, from, to));
                say(number + " pages " + root + " " + from + " " + to, () -> page(
                        nn.getSnapshotDiffReportListing(root, from, to, new byte[0], -1)));
            }
        }
    }

    static String tree(String top) throws Exception {
        StringBuilder lines = new StringBuilder();
        for (HdfsFileStatus status : nn.getListing(top, new byte[0], false).getPartialListing()) {
            String path = top + "/" + status.getLocalName();
            lines.append(status.getLocalName()).append(':').append(line(status))
                    .append(nn.getXAttrs(path, null));
            if (status.isDirectory()) lines.append("[").append(tree(path)).append("]");
            lines.append(' ');
        }
        return lines.toString();
    }

    static String line(HdfsFileStatus status) {
        if (status == null) return "null";
        return (status.isDirectory() ? "d" : "-") + status.getPermission() + "," + status.getOwner()
                + "," + status.getGroup() + "," + status.getLen() + ","
                + status.getReplication() + "," + status.getBlockSize() + ","
                + status.getChildrenNum() + "," + status.getStoragePolicy() + ","
                + status.isSnapshotEnabled() + "," + status.hasAcl();
    }

    static String status(String path) throws Exception { return line(nn.getFileInfo(path)); }

    static String names(String path) throws Exception {
        DirectoryListing listing = nn.getListing(path, new byte[0], false);
        if (listing == null) return "null";
        List<String> lines = new ArrayList<>();
        for (HdfsFileStatus status : listing.getPartialListing())
            lines.add(status.getLocalName() + ":" + line(status));
        return lines.toString();
    }

    static String blocks(String path) throws Exception {
        LocatedBlocks located = nn.getBlockLocations(path, 0, Long.MAX_VALUE);
        return located.getFileLength() + " " + located.locatedBlockCount() + " "
                + located.isUnderConstruction() + " " + located.isLastBlockComplete();
    }

    static String summary(ContentSummary summary) {
        return summary.getLength() + " " + summary.getFileCount() + " "
                + summary.getDirectoryCount() + " " + summary.getSpaceConsumed() + " "
                + summary.getQuota() + " "
                + summary.getSpaceQuota() + " snapshots " + summary.getSnapshotLength() + " "
                + summary.getSnapshotFileCount() + " "
                + summary.getSnapshotDirectoryCount() + " " + summary.getSnapshotSpaceConsumed()
                + " " + summary.getErasureCodingPolicy();
    }

    static String usage(QuotaUsage usage) {
        return usage.getFileAndDirectoryCount() + " " + usage.getSpaceConsumed() + " "
                + usage.getQuota() + " " + usage.getSpaceQuota();
    }

    static String snapshottable() throws Exception {
        SnapshottableDirectoryStatus[] found = nn.getSnapshottableDirListing();
        if (found == null) return "null";
        List<String> lines = new ArrayList<>();
        for (SnapshottableDirectoryStatus status : found)
            lines.add(status.getFullPath() + " " + status.getSnapshotNumber() + " "
                    + status.getSnapshotQuota() + " " + line(status.getDirStatus()));
        return lines.toString();
    }

    static String listed(String root) throws Exception {
        SnapshotStatus[] found = nn.getSnapshotListing(root);
        if (found == null) return "null";
        List<String> lines = new ArrayList<>();
        for (SnapshotStatus status : found) lines.add(status.getFullPath() + " "
                + status.isDeleted() + " " + line(status.getDirStatus()));
        return lines.toString();
    }

    static String diff(String root, String from, String to) throws Exception {
        SnapshotDiffReport report = nn.getSnapshotDiffReport(root, from, to);
        return report.getSnapshotRoot() + " " + report.getFromSnapshot() + " "
                + report.getLaterSnapshotName() + " " + report.getDiffList();
    }

    static String page(SnapshotDiffReportListing listing) {
        return entries(listing.getModifyList()) + entries(listing.getCreateList())
                + entries(listing.getDeleteList()) + listing.getIsFromEarlier() + " "
                + new String(listing.getLastPath(), StandardCharsets.UTF_8) + " "
                + listing.getLastIndex();
    }

    static String entries(List<DiffReportListingEntry> entries) {
        List<String> lines = new ArrayList<>();
        for (DiffReportListingEntry entry : entries)
            lines.add(path(entry.getSourcePath()) + " " + entry.isReference() + " "
                    + (entry.getTargetPath() == null ? "" : path(entry.getTargetPath())));
        return lines.toString();
    }

    static String path(byte[][] components) {
        List<String> names = new ArrayList<>();
        for (byte[] component : components)
            names.add(component == null ? "" : new String(component, StandardCharsets.UTF_8));
        return String.join("/", names);
    }

    static String first(Throwable error) {
        String text = error instanceof RemoteException
                ? ((RemoteException) error).getClassName() + ": " + error.getMessage()
                : error.toString();
        return text.split("\n")[0];
    }

    static void say(String label, Call call) {
        String answer;
        try {
            answer = String.valueOf(call.make());
        } catch (Exception refused) {
            answer = first(refused);
        }
        String line = user + " " + label + " = " + answer;
        System.out.println(line.replaceAll("\\b" + superuser + "\\b", "SUPERUSER")
                .replace("\n", " ").replace("x".repeat(256), "LONG"));
    }
}
