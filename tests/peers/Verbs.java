import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.PrivilegedExceptionAction;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.crypto.CryptoProtocolVersion;
import org.apache.hadoop.fs.ContentSummary;
import org.apache.hadoop.fs.CreateFlag;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Options.Rename;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.QuotaUsage;
import org.apache.hadoop.fs.StorageType;
import org.apache.hadoop.fs.XAttr;
import org.apache.hadoop.fs.XAttrSetFlag;
import org.apache.hadoop.fs.permission.AclEntry;
import org.apache.hadoop.fs.permission.AclStatus;
import org.apache.hadoop.fs.permission.FsAction;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.hdfs.XAttrHelper;
import org.apache.hadoop.hdfs.protocol.ClientProtocol;
import org.apache.hadoop.hdfs.protocol.DirectoryListing;
import org.apache.hadoop.hdfs.protocol.ExtendedBlock;
import org.apache.hadoop.hdfs.protocol.HdfsConstants;
import org.apache.hadoop.hdfs.protocol.HdfsFileStatus;
import org.apache.hadoop.hdfs.protocol.HdfsLocatedFileStatus;
import org.apache.hadoop.hdfs.protocol.LastBlockWithStatus;
import org.apache.hadoop.hdfs.protocol.LocatedBlock;
import org.apache.hadoop.hdfs.protocol.LocatedBlocks;
import org.apache.hadoop.hdfs.protocol.SnapshotStatus;
import org.apache.hadoop.hdfs.protocol.SnapshottableDirectoryStatus;
import org.apache.hadoop.io.EnumSetWritable;
import org.apache.hadoop.ipc.RemoteException;
import org.apache.hadoop.security.UserGroupInformation;

/**
 * Makes random calls of ClientProtocol as three users on few paths, and prints each answer on a
 * line: the result, or the exception's class and the first line of its message. What the tree shows
 * is printed between.
 * Arguments: the superuser's name, which is printed as SUPERUSER; the first seed; the number of
 * seeds; the steps of each.
 */
public class Verbs {
    interface Call { Object make() throws Exception; }
    interface Draw { Step step(); }
    record Step(String label, Call call) {}

    /** A user's connection, and the files that this user has open. */
    static final class Session {
        String name;
        UserGroupInformation ugi;
        DistributedFileSystem fs;
        ClientProtocol nn;
        final List<FSDataOutputStream> streams = new ArrayList<>();
        final Map<String, ExtendedBlock> last = new HashMap<>();
    }

    static final int BLOCK = 1 << 20;
    static final String[] NAMES = {"", "/a", "/a", "/a/b", "/a/b", "/a/b/c", "/a/f", "/a/f",
        "/a/b/g", "/d", "/d", "/d/e", "/d/f", "/d/f", "/d/e/f", "/d/e/g",
        "/f", "/f", "/g", "/l", "/a/l", "/l/f", "/a/f/x", "/a/none/x", "/a/.snapshot/s0",
        "/a/.snapshot/s0/f", "/d/.snapshot", "/d/.snapshot/s1/e"};
    static final String[] ODD = {"relative", "/..", "//a", "/a/../f", "/a/./f", "/", "/.reserved",
        "/.reserved/raw", "/.reserved/.inodes", "/nowhere/x", ""};
    static final String[] LABELS = {"s0", "s1", "s2", ".snapshot", "a/b"};
    static final String[] SPECS = {"user::rwx,group::r-x,other::---",
        "user::rw-,user:bob:rwx,group::---,other::r--", "user:bob:r-x", "group:staff:rwx",
        "user:alice:---",
        "default:user:bob:rwx", "default:user::rwx,default:group::r--,default:other::---",
        "mask::r--", "user::rwx,group::rwx,other::rwx,default:user:alice:r-x",
        "user::rw-,user::r--,group::r--,other::r--", "other::rwx"};
    static final String[] XATTRS = {"user.a", "user.b", "trusted.t", "security.s", "system.s",
        "raw.r", "user."};
    static final Session[] sessions = new Session[3];
    static final List<Draw> draws = new ArrayList<>();
    static Random random;
    static Session by, root;
    static String superuser, top;

    public static void main(String[] arguments) throws Exception {
        superuser = arguments[0];
        Configuration conf = new Configuration();
        conf.setInt("dfs.replication", 1);
        conf.setInt("dfs.blocksize", BLOCK);
        conf.setInt("dfs.client.block.write.locateFollowingBlock.retries", 1);
        UserGroupInformation.setConfiguration(conf);
        String[] names = {superuser, "alice", "bob"};
        for (int i = 0; i < 3; i++) {
            Session session = sessions[i] = new Session();
            session.name = names[i];
            session.ugi = UserGroupInformation.createRemoteUser(names[i]);
            PrivilegedExceptionAction<FileSystem> connect = () -> FileSystem.newInstance(conf);
            session.fs = (DistributedFileSystem) session.ugi.doAs(connect);
            session.nn = session.fs.getClient().getNamenode();
        }
        by = root = sessions[0];
        tree();
        files();
        attributes();
        reading();
        snapshots();
        int first = Integer.parseInt(arguments[1]);
        for (int seed = first; seed < first + Integer.parseInt(arguments[2]); seed++)
            sequence(seed, Integer.parseInt(arguments[3]));
        for (Session session : sessions) session.fs.close();
    }

    static void sequence(int seed, int steps) throws Exception {
        random = new Random(seed);
        top = "/verbs" + seed;
        by = root;
        // An earlier sequence may have changed the root.
        root.nn.setPermission("/", new FsPermission((short) 0755));
        root.nn.setOwner("/", superuser, "supergroup");
        root.nn.removeAcl("/");
        root.nn.unsetStoragePolicy("/");
        root.nn.mkdirs(top, new FsPermission((short) 0777), true);
        root.nn.setPermission(top, new FsPermission((short) (seed % 2 == 0 ? 0777 : 01777)));
        sessions[1].nn.mkdirs(top + "/a/b", new FsPermission((short) 0777), true);
        sessions[2].nn.mkdirs(top + "/d/e", new FsPermission((short) 0755), true);
        for (int i = 0; i < steps; i++) {
            by = sessions[random.nextInt(4) % 3];
            Step step = draws.get(random.nextInt(draws.size())).step();
            say(seed + "." + i + " " + step.label, step.call);
            if (i % 25 == 24) show(seed + "." + i);
        }
        for (Session session : sessions) {
            by = session;
            while (!session.streams.isEmpty()) say(seed + " close", () -> close(0));
        }
        by = root;
        show(seed + " end");
        say(seed + " remove", () -> root.nn.delete(top, true));
    }

    /** Registers a way to draw a step, as often as its weight says. */
    static void verb(int weight, Draw draw) {
        for (int i = 0; i < weight; i++) draws.add(draw);
    }

    static boolean coin() { return random.nextBoolean(); }

    static <T> T some(T[] of) { return of[random.nextInt(of.length)]; }

    static String path() {
        int at = random.nextInt(40);
        String odd = some(ODD), name = some(NAMES);
        return at == 0 ? odd : at == 1 ? "/.reserved/raw" + top + name : top + name;
    }

    /**
     * Draws a path that is not of the whole tree, in which there is what earlier sequences left.
     */
    static String small() {
        String drawn = path();
        return drawn.equals("/") || drawn.equals("/.reserved/raw") ? top : drawn;
    }

    static FsPermission mode() {
        return new FsPermission(some(
                new Short[]{0755, 0755, 0777, 0777, 0777, 0755, 0700, 0644, 01777, 0750, 0311, 0}));
    }

    static String holder() {
        return "client-" + by.name + (random.nextInt(6) == 0 ? "-other" : "");
    }

    static Step step(String label, Call call) { return new Step(label, call); }

    static void tree() {
        verb(9, () -> {
            String p = path();
            FsPermission mode = mode();
            boolean parents = random.nextInt(3) != 0;
            return step("mkdirs " + p + " " + mode + " " + parents,
                    () -> by.nn.mkdirs(p, mode, parents));
        });
        verb(3, () -> {
            String p = path();
            boolean deep = coin();
            return step("delete " + p + " " + deep, () -> by.nn.delete(p, deep));
        });
        // Hadoop fails with a null pointer when it is to move the root into a directory.
        verb(6, () -> {
            String drawn = path(), p = drawn.equals("/") ? top : drawn, q = path();
            return step("rename " + p + " " + q, () -> by.nn.rename(p, q));
        });
        verb(6, () -> {
            String p = path(), q = path();
            Rename how = some(Rename.values());
            return step("rename2 " + p + " " + q + " " + how, () -> {
                by.nn.rename2(p, q, how);
                return "moved";
            });
        });
        verb(2, () -> {
            String p = path(), q = some(new String[]{top + "/a", top + "/d/f", "f", "../a",
                top + "/nowhere", top + "/l", ""});
            boolean parents = coin();
            return step("symlink " + q + " at " + p + " " + parents, () -> {
                by.nn.createSymlink(q, p, FsPermission.getDefault(), parents);
                return "linked";
            });
        });
    }

    static void files() {
        EnumSet<?>[] ways = {EnumSet.of(CreateFlag.CREATE),
            EnumSet.of(CreateFlag.CREATE, CreateFlag.OVERWRITE), EnumSet.of(CreateFlag.OVERWRITE),
            EnumSet.of(CreateFlag.APPEND)};
        verb(6, () -> {
            String p = path(), holder = holder();
            FsPermission mode = mode();
            @SuppressWarnings("unchecked")
            EnumSet<CreateFlag> flags = (EnumSet<CreateFlag>) some(ways);
            boolean parents = coin();
            short copies = some(new Short[]{1, 1, 1, 2, 0, 513});
            long block = some(new Long[]{(long) BLOCK, (long) BLOCK, (long) BLOCK, 100L});
            return step(
                    "create " + p + " " + holder + " " + mode + " " + flags + " " + parents + " "
                            + copies + " " + block,
                    () -> line(by.nn.create(p, mode, holder, new EnumSetWritable<>(flags), parents,
                            copies, block, new CryptoProtocolVersion[0], null, null)));
        });
        verb(12, () -> {
            String p = path();
            boolean overwrite = coin(), open = random.nextInt(4) == 0;
            byte[] data = data();
            return step("write " + p + " " + overwrite + " " + data.length + " " + open,
                    () -> write(p, overwrite, data, open));
        });
        verb(3, () -> {
            String p = path();
            byte[] data = data();
            boolean open = random.nextInt(4) == 0, fresh = coin();
            return step("append " + p + " " + data.length + " " + open + " " + fresh,
                    () -> append(p, data, open, fresh));
        });
        verb(2, () -> step("close", () -> close(0)));
        verb(3, () -> {
            String p = path(), holder = holder();
            return step("addBlock " + p + " " + holder, () -> addBlock(p, holder));
        });
        verb(2, () -> {
            String p = path(), holder = holder();
            return step("abandon " + p + " " + holder, () -> {
                by.nn.abandonBlock(last(p), 0, p, holder);
                return "abandoned";
            });
        });
        verb(3, () -> {
            String p = path(), holder = holder();
            return step("complete " + p + " " + holder,
                    () -> by.nn.complete(p, holder, by.last.get(p), 0));
        });
        verb(1, () -> {
            String p = path(), holder = holder();
            return step("fsync " + p + " " + holder,
                    () -> { by.nn.fsync(p, 0, holder, -1); return "synced"; });
        });
        verb(1, () -> {
            String p = path(), holder = holder();
            return step("pipeline " + p + " " + holder,
                    () -> by.nn.updateBlockForPipeline(last(p), holder).getBlock().getNumBytes());
        });
        verb(2, () -> {
            String p = path(), holder = holder();
            return step("rawAppend " + p + " " + holder, () -> {
                LastBlockWithStatus s = by.nn.append(p, holder,
                        new EnumSetWritable<>(EnumSet.of(CreateFlag.APPEND)));
                return (s.getLastBlock() == null) + line(s.getFileStatus());
            });
        });
        verb(3, () -> {
            String p = path(), holder = holder();
            return step("recover " + p + " " + holder,
                    () -> settled(p, by.nn.recoverLease(p, holder)));
        });
        verb(3, () -> {
            String p = path(), holder = holder();
            long size = some(new Long[]{0L, 10L, (long) BLOCK, 999L, -1L, 1L << 30});
            return step("truncate " + p + " " + size,
                    () -> settled(p, by.nn.truncate(p, size, holder)));
        });
        verb(4, () -> {
            String p = path();
            String[] from = new String[random.nextInt(3)];
            for (int i = 0; i < from.length; i++) from[i] = path();
            return step("concat " + p + " " + Arrays.toString(from), () -> {
                by.nn.concat(p, from);
                return "joined";
            });
        });
    }

    static void attributes() {
        verb(4, () -> {
            String p = path();
            FsPermission mode = mode();
            return step("chmod " + p + " " + mode,
                    () -> { by.nn.setPermission(p, mode); return "set"; });
        });
        verb(4, () -> {
            String p = path(), owner = some(new String[]{"alice", "bob", null, superuser}),
                    group = some(new String[]{"staff", "alice", "bob", null, "other"});
            return step("chown " + p + " " + owner + " " + group, () -> {
                by.nn.setOwner(p, owner, group);
                return "set";
            });
        });
        verb(3, () -> {
            String p = path();
            long m = some(new Long[]{-1L, 0L, 1000L, 2000L, -2L}),
                    a = some(new Long[]{-1L, 3000L, 4000L});
            return step("times " + p + " " + m + " " + a,
                    () -> { by.nn.setTimes(p, m, a); return "set"; });
        });
        verb(2, () -> {
            String p = path();
            short copies = some(new Short[]{1, 2, 3, 0, 600});
            return step("replication " + p + " " + copies, () -> by.nn.setReplication(p, copies));
        });
        verb(2, () -> {
            String p = path(),
                    policy = some(new String[]{"HOT", "WARM", "COLD", "ALL_SSD", "none"});
            return step("policy " + p + " " + policy,
                    () -> { by.nn.setStoragePolicy(p, policy); return "set"; });
        });
        verb(1, () -> {
            String p = path();
            return step("unset policy " + p,
                    () -> { by.nn.unsetStoragePolicy(p); return "unset"; });
        });
        verb(3, () -> {
            String p = path(), spec = some(SPECS);
            return step("setAcl " + p + " " + spec, () -> {
                by.nn.setAcl(p, AclEntry.parseAclSpec(spec, true));
                return "set";
            });
        });
        verb(3, () -> {
            String p = path(), spec = some(SPECS);
            return step("modifyAcl " + p + " " + spec, () -> {
                by.nn.modifyAclEntries(p, AclEntry.parseAclSpec(spec, true));
                return "set";
            });
        });
        verb(2, () -> {
            String p = path(), spec = some(
                    new String[]{"user:bob", "default:user:bob", "mask:", "group:staff", "user:"});
            return step("removeAclEntries " + p + " " + spec, () -> {
                by.nn.removeAclEntries(p, AclEntry.parseAclSpec(spec, false));
                return "removed";
            });
        });
        verb(1, () -> {
            String p = path();
            return step("removeDefaultAcl " + p,
                    () -> { by.nn.removeDefaultAcl(p); return "removed"; });
        });
        verb(1, () -> {
            String p = path();
            return step("removeAcl " + p, () -> { by.nn.removeAcl(p); return "removed"; });
        });
        verb(3, () -> {
            String p = path(), name = some(XATTRS);
            EnumSet<XAttrSetFlag> how = coin() ? EnumSet.of(XAttrSetFlag.CREATE)
                    : coin() ? EnumSet.of(XAttrSetFlag.REPLACE) : EnumSet.allOf(XAttrSetFlag.class);
            return step("setXAttr " + p + " " + name + " " + how, () -> {
                by.nn.setXAttr(p, xattr(name), how);
                return "set";
            });
        });
        verb(2, () -> {
            String p = path(), name = some(XATTRS);
            return step("removeXAttr " + p + " " + name, () -> {
                by.nn.removeXAttr(p, xattr(name));
                return "removed";
            });
        });
        verb(3, () -> {
            String drawn = path(), p = drawn.equals("/") ? top : drawn;
            long names = some(new Long[]{1L, 5L, 20L, 0L, HdfsConstants.QUOTA_RESET,
                HdfsConstants.QUOTA_DONT_SET}),
                    space = some(new Long[]{10L, 3L * BLOCK, 1L << 30, HdfsConstants.QUOTA_RESET,
                        HdfsConstants.QUOTA_DONT_SET, -5L});
            StorageType type = some(
                    new StorageType[]{null, null, null, StorageType.SSD, StorageType.DISK});
            return step("quota " + p + " " + names + " " + space + " " + type, () -> {
                by.nn.setQuota(p, names, space, type);
                return "set";
            });
        });
    }

    static void reading() {
        verb(2, () -> {
            String p = path();
            return step("status " + p, () -> line(by.nn.getFileInfo(p)));
        });
        verb(1, () -> {
            String p = path();
            return step("link status " + p, () -> line(by.nn.getFileLinkInfo(p)));
        });
        verb(1, () -> {
            String p = path();
            return step("target " + p, () -> by.nn.getLinkTarget(p));
        });
        verb(1, () -> {
            String p = path();
            boolean tokens = coin();
            return step("located " + p, () -> {
                HdfsLocatedFileStatus s = by.nn.getLocatedFileInfo(p, tokens);
                return line(s) + (s == null || s.isDirectory() ? "" : blocks(s.getLocatedBlocks()));
            });
        });
        // The clusters have different users' directories.
        verb(2, () -> {
            String drawn = path(), p = drawn.equals("/") ? top : drawn;
            boolean places = coin();
            return step("list " + p + " " + places, () -> names(p, places));
        });
        verb(3, () -> {
            String p = path();
            long from = some(new Long[]{0L, 0L, 5L, -1L}),
                    length = some(new Long[]{1L << 40, 1L, -1L, 0L});
            return step("blocks " + p + " " + from + " " + length,
                    () -> blocks(by.nn.getBlockLocations(p, from, length)));
        });
        verb(2, () -> { String p = path(); return step("read " + p, () -> read(p)); });
        verb(2, () -> {
            String p = small();
            return step("summary " + p, () -> summary(by.nn.getContentSummary(p)));
        });
        verb(1, () -> {
            String p = small();
            return step("usage " + p, () -> usage(by.nn.getQuotaUsage(p)));
        });
        verb(1, () -> {
            String p = path();
            return step("closed " + p, () -> by.nn.isFileClosed(p));
        });
        verb(1, () -> {
            String p = path();
            return step("block size " + p, () -> by.nn.getPreferredBlockSize(p));
        });
        verb(2, () -> {
            String p = path();
            FsAction action = some(FsAction.values());
            return step("access " + p + " " + action,
                    () -> { by.nn.checkAccess(p, action); return "granted"; });
        });
        verb(2, () -> {
            String p = path();
            return step("acl " + p, () -> acl(by.nn.getAclStatus(p)));
        });
        verb(1, () -> {
            String p = path(), name = some(XATTRS);
            boolean all = coin();
            return step("xattrs " + p + " " + name + " " + all,
                    () -> by.nn.getXAttrs(p, all ? null : Arrays.asList(xattr(name))));
        });
        verb(1, () -> {
            String p = path();
            return step("xattr names " + p, () -> by.nn.listXAttrs(p));
        });
        verb(1, () -> {
            String p = path();
            return step("get policy " + p, () -> by.nn.getStoragePolicy(p).getName());
        });
        verb(1, () -> {
            String p = path();
            return step("get ec " + p, () -> by.nn.getErasureCodingPolicy(p));
        });
        verb(1, () -> {
            String p = path();
            return step("get ez " + p, () -> by.nn.getEZForPath(p));
        });
        verb(1, () -> {
            String p = path();
            return step("enclosing root " + p, () -> by.nn.getEnclosingRoot(p));
        });
    }

    static void snapshots() {
        Draw allow = () -> {
            String p = directory();
            return step("allow " + p, () -> { root.nn.allowSnapshot(p); return "allowed"; });
        };
        verb(1, allow);
        verb(1, () -> {
            String p = path();
            return step("allow " + p, () -> { by.nn.allowSnapshot(p); return "allowed"; });
        });
        verb(1, () -> {
            String p = directory();
            return step("disallow " + p, () -> { by.nn.disallowSnapshot(p); return "disallowed"; });
        });
        verb(2, () -> {
            String p = directory(), name = some(LABELS);
            return step("snapshot " + p + " " + name, () -> by.nn.createSnapshot(p, name));
        });
        verb(2, () -> {
            String p = directory(), name = some(LABELS);
            return step("drop " + p + " " + name,
                    () -> { by.nn.deleteSnapshot(p, name); return "deleted"; });
        });
        verb(1, () -> {
            String p = directory(), name = some(LABELS), to = some(LABELS);
            return step("relabel " + p + " " + name + " " + to, () -> {
                by.nn.renameSnapshot(p, name, to);
                return "renamed";
            });
        });
        verb(1, () -> {
            String p = directory(), from = some(LABELS), to = coin() ? "" : some(LABELS);
            return step("diff " + p + " " + from + " " + to,
                    () -> by.nn.getSnapshotDiffReport(p, from, to).getDiffList());
        });
        verb(1, () -> {
            String p = directory();
            return step("snapshots " + p, () -> {
                List<String> found = new ArrayList<>();
                for (SnapshotStatus s : by.nn.getSnapshotListing(p))
                    found.add(s.getFullPath() + line(s.getDirStatus()));
                return found;
            });
        });
        verb(1, () -> step("snapshottable", () -> {
            SnapshottableDirectoryStatus[] all = by.nn.getSnapshottableDirListing();
            List<String> found = new ArrayList<>();
            if (all != null) for (SnapshottableDirectoryStatus s : all)
                found.add(s.getFullPath() + " " + s.getSnapshotNumber());
            return found;
        }));
    }

    static String directory() {
        return top + some(new String[]{"/a", "/a", "/d", "/d/e", "/f", "/l"});
    }

    static byte[] data() {
        byte[] data = new byte[some(new Integer[]{0, 10, 700, BLOCK, BLOCK + 3})];
        random.nextBytes(data);
        return data;
    }

    static XAttr xattr(String name) {
        return XAttrHelper.buildXAttr(name, name.getBytes(StandardCharsets.UTF_8));
    }

    /** Does what the client library does, as the user. */
    static Object as(Call call) throws Exception {
        try {
            return by.ugi.doAs((PrivilegedExceptionAction<Object>) call::make);
        } catch (java.lang.reflect.UndeclaredThrowableException wrapped) {
            throw (Exception) wrapped.getCause();
        }
    }

    static Object write(String path, boolean overwrite, byte[] data, boolean open)
            throws Exception {
        if (!path.startsWith("/") || path.startsWith("//")) return "not asked";
        return as(() -> keep(by.fs.create(new Path(path), overwrite), data, open));
    }

    static Object append(String path, byte[] data, boolean open, boolean fresh) throws Exception {
        if (!path.startsWith("/") || path.startsWith("//")) return "not asked";
        EnumSet<CreateFlag> how = fresh ? EnumSet.of(CreateFlag.APPEND, CreateFlag.NEW_BLOCK)
                : EnumSet.of(CreateFlag.APPEND);
        return as(() -> keep(by.fs.append(new Path(path), how, 4096, null), data, open));
    }

    static String keep(FSDataOutputStream out, byte[] data, boolean open) throws Exception {
        try {
            out.write(data);
            if (open) out.hflush();
        } catch (IOException refused) {
            try {
                out.close();
            } catch (IOException again) {
            }
            throw refused;
        }
        by.streams.add(out);
        return open ? "flushed" : close(by.streams.size() - 1);
    }

    static String close(int index) throws Exception {
        if (by.streams.size() <= index) return "none open";
        FSDataOutputStream out = by.streams.remove(index);
        try {
            out.close();
        } catch (IOException refused) {
            // Whether the NameNode or the DataNode is asked first is left to chance.
            if (refused.getMessage().contains("are bad. Aborting")
                    || refused.getMessage().startsWith("File does not exist"))
                return "lost";
            throw refused;
        }
        return "closed";
    }

    static ExtendedBlock last(String path) {
        return by.last.getOrDefault(path, new ExtendedBlock("BP-none", 1, 1, 1));
    }

    static Object addBlock(String path, String holder) throws Exception {
        LocatedBlock added = by.nn.addBlock(path, holder, by.last.get(path), null, 0, null, null);
        ExtendedBlock full = added.getBlock();
        full.setNumBytes(BLOCK);
        by.last.put(path, full);
        return added.getLocations().length + " at " + added.getStartOffset();
    }

    static Object read(String path) throws Exception {
        if (!path.startsWith("/") || path.startsWith("//") || !by.nn.isFileClosed(path))
            return "not read";
        return as(() -> {
            try (FSDataInputStream in = by.fs.open(new Path(path))) {
                return Arrays.hashCode(in.readAllBytes());
            }
        });
    }

    /** Waits until the servers have recovered a file's last block. */
    static boolean settled(String path, boolean done) throws Exception {
        for (int i = 0; !done && i < 1000; i++) {
            if (root.nn.isFileClosed(path)) return false;
            Thread.sleep(20);
        }
        if (!done) System.err.println("still open: " + path);
        return done;
    }

    static void show(String number) throws Exception {
        Session was = by;
        by = root;
        say(number + " tree", () -> tree(top));
        say(number + " summary", () -> summary(by.nn.getContentSummary(top)));
        say(number + " usage", () -> usage(by.nn.getQuotaUsage(top)));
        by = was;
    }

    static String tree(String path) throws Exception {
        StringBuilder lines = new StringBuilder();
        for (HdfsFileStatus status : by.nn.getListing(path, new byte[0], false)
                .getPartialListing()) {
            String child = path + "/" + status.getLocalName();
            lines.append("\n").append(child).append(": ").append(line(status));
            if (status.isSymlink()) continue;
            lines.append(" ").append(by.nn.getXAttrs(child, null))
                    .append(acl(by.nn.getAclStatus(child)))
                    .append(usage(by.nn.getQuotaUsage(child)));
            lines.append(status.isDirectory() ? tree(child)
                    : blocks(by.nn.getBlockLocations(child, 0, 1L << 40)));
        }
        return lines.toString();
    }

    static String time(long time) { return time < 1_000_000 ? "" + time : "now"; }

    static String line(HdfsFileStatus status) {
        if (status == null) return "null";
        return (status.isDirectory() ? "d" : status.isSymlink() ? "l" : "-")
                + status.getPermission() + "," + status.getOwner() + "," + status.getGroup() + ","
                + status.getLen() + ","
                + status.getReplication() + "," + status.getBlockSize() + ","
                + status.getChildrenNum() + "," + status.getStoragePolicy() + ","
                + status.isSnapshotEnabled() + ","
                + status.hasAcl() + "," + time(status.getModificationTime()) + ","
                + time(status.getAccessTime());
    }

    static String acl(AclStatus acl) {
        return acl.getOwner() + acl.getGroup() + acl.isStickyBit() + acl.getEntries()
                + acl.getPermission();
    }

    static String names(String path, boolean places) throws Exception {
        DirectoryListing listing = by.nn.getListing(path, new byte[0], places);
        if (listing == null) return "null";
        List<String> lines = new ArrayList<>();
        for (HdfsFileStatus status : listing.getPartialListing())
            lines.add(status.getLocalName() + ":" + line(status));
        return lines.toString();
    }

    static String blocks(LocatedBlocks found) {
        if (found == null) return "null";
        StringBuilder sizes = new StringBuilder();
        for (LocatedBlock block : found.getLocatedBlocks())
            sizes.append(block.getStartOffset()).append("+").append(block.getBlockSize())
                    .append("x").append(block.getLocations().length).append(" ");
        return "{" + found.getFileLength() + " " + sizes + found.isUnderConstruction() + " "
                + found.isLastBlockComplete() + " " + (found.getLastLocatedBlock() != null) + "}";
    }

    static String summary(ContentSummary of) {
        return of.getLength() + " " + of.getFileCount() + " " + of.getDirectoryCount() + " "
                + of.getSpaceConsumed() + " " + of.getQuota() + " " + of.getSpaceQuota()
                + " snapshots "
                + of.getSnapshotLength() + " " + of.getSnapshotFileCount() + " "
                + of.getSnapshotDirectoryCount() + " " + of.getSnapshotSpaceConsumed() + " "
                + of.getErasureCodingPolicy();
    }

    static String usage(QuotaUsage of) {
        StringBuilder types = new StringBuilder();
        // What Hadoop counts of each type is not what is there, once a policy has changed.
        for (StorageType type : StorageType.getTypesSupportingQuota())
            types.append(" ").append(of.getTypeQuota(type));
        return "(" + of.getFileAndDirectoryCount() + " " + of.getSpaceConsumed() + " "
                + of.getQuota() + " " + of.getSpaceQuota() + types + ")";
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
        System.out.println((by.name + " " + label + " = " + answer)
                .replaceAll("\\b" + superuser + "\\b", "SUPERUSER").replace("\n", " ; ")
                // Which one is named depends on their ids.
                .replaceAll("The directory \\S+ cannot be deleted since \\S+ is",
                        "The directory DIR cannot be deleted since DIR is")
                .replaceAll("DFSClient_NONMAPREDUCE_-?\\d+_\\d+", "CLIENT")
                .replaceAll("blk_-?\\d+(_\\d+)?", "BLOCK").replaceAll("BP-[0-9.-]+", "POOL")
                .replaceAll("DatanodeInfoWithStorage.[^,]+,[^,]+,", "NODE,")
                .replaceAll("inode (Id )?\\d+", "inode N"));
    }
}
