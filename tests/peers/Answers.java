import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.BatchedRemoteIterator.BatchedEntries;
import org.apache.hadoop.fs.CacheFlag;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.QuotaUsage;
import org.apache.hadoop.fs.StorageType;
import org.apache.hadoop.fs.permission.FsAction;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.hdfs.protocol.AddErasureCodingPolicyResponse;
import org.apache.hadoop.hdfs.protocol.BatchedDirectoryListing;
import org.apache.hadoop.hdfs.protocol.BlockStoragePolicy;
import org.apache.hadoop.hdfs.protocol.CacheDirectiveEntry;
import org.apache.hadoop.hdfs.protocol.CacheDirectiveInfo;
import org.apache.hadoop.hdfs.protocol.CachePoolEntry;
import org.apache.hadoop.hdfs.protocol.CachePoolInfo;
import org.apache.hadoop.hdfs.protocol.ClientProtocol;
import org.apache.hadoop.hdfs.protocol.CorruptFileBlocks;
import org.apache.hadoop.hdfs.protocol.ECTopologyVerifierResult;
import org.apache.hadoop.hdfs.protocol.ErasureCodingPolicy;
import org.apache.hadoop.hdfs.protocol.HdfsConstants;
import org.apache.hadoop.hdfs.protocol.HdfsPartialListing;
import org.apache.hadoop.io.erasurecode.ECSchema;
import org.apache.hadoop.ipc.RemoteException;
import org.apache.hadoop.security.UserGroupInformation;

/**
 * Makes the same calls of ClientProtocol as the superuser and as alice, and prints each answer on a
 * line: the result, or the exception's class and the first line of its message.
 * Arguments: the superuser's name, which is printed as SUPERUSER.
 */
public class Answers {
    interface Call { Object make() throws Exception; }

    static final long HOUR = 3_600_000L;
    static String superuser, user;
    static ClientProtocol nn;

    public static void main(String[] arguments) throws Exception {
        superuser = arguments[0];
        Configuration conf = new Configuration();
        UserGroupInformation.setConfiguration(conf);
        for (String name : new String[]{superuser, "alice"}) {
            user = name.equals(superuser) ? "SUPERUSER" : name;
            UserGroupInformation.createRemoteUser(name)
                    .doAs((java.security.PrivilegedExceptionAction<Void>) () -> {
                        try (FileSystem fs = FileSystem.newInstance(conf)) {
                            nn = ((DistributedFileSystem) fs).getClient().getNamenode();
                            if (name.equals(superuser)) prepare((DistributedFileSystem) fs);
                            erasureCoding();
                            encryptionZones();
                            snapshots();
                            upgrades();
                            storagePolicies();
                            reading();
                            quotas();
                            pools();
                            directives();
                        }
                        return null;
                    });
        }
    }

    static void prepare(DistributedFileSystem fs) throws Exception {
        for (String directory : new String[]{"/cmp", "/cmp/d", "/cmp/secret"})
            fs.mkdirs(new Path(directory));
        fs.setPermission(new Path("/cmp/secret"), new FsPermission((short) 0700));
        fs.create(new Path("/cmp/f")).close();
        try (java.io.OutputStream out = fs.create(new Path("/cmp/d/ten"))) {
            out.write(new byte[10]);
        }
        try (java.io.OutputStream out = fs.create(new Path("/cmp/d/twenty"))) {
            out.write(new byte[20]);
        }
        fs.create(new Path("/cmp/d/empty")).close();
        for (String name : new String[]{"b", "a", "Z", "\u00e4", "a.", "\u6f22", "9"})
            fs.mkdirs(new Path("/cmp/names", name));
        // The policy that a new cluster has enabled; where there is none, nothing is lost.
        try {
            nn.disableErasureCodingPolicy("RS-6-3-1024k");
        } catch (RemoteException none) {
        }
    }

    static void erasureCoding() throws Exception {
        say("setEC default", () -> { nn.setErasureCodingPolicy("/cmp/d", null); return "set"; });
        for (String policy : new String[]{"nonsense", "XOR-2-1-1024k"})
            say("setEC " + policy, () -> {
                nn.setErasureCodingPolicy("/cmp/d", policy);
                return "set";
            });
        for (String path : new String[]{"/cmp/f", "/nonexistent", "/cmp/secret/x", "/cmp/d"}) {
            say("setEC replication " + path, () -> {
                nn.setErasureCodingPolicy(path, "replication");
                return "set";
            });
            say("getEC " + path, () -> nn.getErasureCodingPolicy(path));
            say("unsetEC " + path, () -> { nn.unsetErasureCodingPolicy(path); return "unset"; });
            say("unsetEC again " + path,
                    () -> { nn.unsetErasureCodingPolicy(path); return "unset"; });
        }
        say("enableEC", () -> { nn.enableErasureCodingPolicy("nonsense"); return "done"; });
        say("disableEC", () -> { nn.disableErasureCodingPolicy("nonsense"); return "done"; });
        say("removeEC", () -> { nn.removeErasureCodingPolicy("nonsense"); return "done"; });
        ErasureCodingPolicy policy = new ErasureCodingPolicy(new ECSchema("rs", 3, 2), 8192);
        say("addEC", () -> {
            AddErasureCodingPolicyResponse answer = nn
                    .addErasureCodingPolicies(new ErasureCodingPolicy[]{policy})[0];
            return answer.isSucceed() + " " + answer.getErrorMsg();
        });
        say("topology", () -> topology());
        say("topology nonsense", () -> topology("nonsense"));
    }

    static String topology(String... policies) throws Exception {
        ECTopologyVerifierResult result = nn.getECTopologyResultForPolicies(policies);
        return result.isSupported() + " " + result.getResultMessage();
    }

    static void encryptionZones() throws Exception {
        say("createEZ", () -> { nn.createEncryptionZone("/cmp/d", "key"); return "created"; });
        say("listEZ", () -> entries(nn.listEncryptionZones(0)));
        for (String path : new String[]{"/cmp/d", "/nonexistent", "/cmp/secret/x"}) {
            say("getEZ " + path, () -> nn.getEZForPath(path));
            say("enclosing root " + path, () -> ClientProtocol.class
                    .getMethod("getEnclosingRoot", String.class).invoke(nn, path));
        }
        say("reencrypt", () -> {
            nn.reencryptEncryptionZone("/cmp/d", HdfsConstants.ReencryptAction.START);
            return "started";
        });
        say("reencryption status", () -> entries(nn.listReencryptionStatus(0)));
    }

    static void snapshots() throws Exception {
        for (String path : new String[]{"/cmp/d", "/cmp/f", "/nonexistent", "/cmp/secret/x"}) {
            say("createSnapshot " + path, () -> nn.createSnapshot(path, "s"));
            say("deleteSnapshot " + path,
                    () -> { nn.deleteSnapshot(path, "s"); return "deleted"; });
            say("renameSnapshot " + path,
                    () -> { nn.renameSnapshot(path, "s", "t"); return "renamed"; });
            say("disallowSnapshot " + path,
                    () -> { nn.disallowSnapshot(path); return "disallowed"; });
            say("listSnapshots " + path, () -> nn.getSnapshotListing(path));
            say("diff " + path, () -> nn.getSnapshotDiffReport(path, "s", "t"));
            say("diff pages " + path,
                    () -> nn.getSnapshotDiffReportListing(path, "s", "t", new byte[0], -1));
        }
        say("snapshottable", () -> nn.getSnapshottableDirListing());
    }

    static void upgrades() throws Exception {
        for (HdfsConstants.RollingUpgradeAction action : HdfsConstants.RollingUpgradeAction
                .values())
            say("rollingUpgrade " + action, () -> nn.rollingUpgrade(action));
        for (String argument : new String[]{"check", "true", "check", "false", "other"})
            say("restoreFailedStorage " + argument, () -> nn.restoreFailedStorage(argument));
        say("metaSave", () -> { nn.metaSave("summary.txt"); return "saved"; });
        say("upgradeStatus", () -> nn.upgradeStatus());
        say("finalizeUpgrade", () -> { nn.finalizeUpgrade(); return "finalized"; });
        say("refreshNodes", () -> { nn.refreshNodes(); return "refreshed"; });
        say("saveNamespace", () -> nn.saveNamespace(0, 0));
        say("bandwidth", () -> { nn.setBalancerBandwidth(1000); return "set"; });
        say("edits from", () -> nn.getEditsFromTxid(1 << 30).getBatches());
        say("state", () -> nn.getHAServiceState());
        say("msync", () -> { nn.msync(); return "done"; });
    }

    static void storagePolicies() throws Exception {
        say("policies", () -> Arrays.stream(nn.getStoragePolicies())
                .map(BlockStoragePolicy::toString).sorted().collect(Collectors.joining(" ")));
        for (String path : new String[]{"/cmp/d", "/cmp/f", "/nonexistent", "/cmp/secret/x"}) {
            for (String policy : new String[]{"nonsense", "HOT", "WARM", "COLD", "ALL_SSD",
                "ONE_SSD", "LAZY_PERSIST", "PROVIDED"}) {
                say("setPolicy " + path + " " + policy,
                        () -> { nn.setStoragePolicy(path, policy); return "set"; });
                say("getPolicy " + path, () -> nn.getStoragePolicy(path).getName());
            }
            say("unsetPolicy " + path, () -> { nn.unsetStoragePolicy(path); return "unset"; });
            say("getPolicy " + path, () -> nn.getStoragePolicy(path).getName());
            say("satisfy " + path, () -> { nn.satisfyStoragePolicy(path); return "satisfied"; });
        }
    }

    static void reading() throws Exception {
        say("createSymlink", () -> {
            nn.createSymlink("/cmp/f", "/cmp/link", FsPermission.getDefault(), true);
            return "created";
        });
        for (String path : new String[]{"/cmp/f", "/nonexistent", "/cmp/secret/x", "/cmp/f/x"}) {
            say("link target " + path, () -> nn.getLinkTarget(path));
            for (FsAction action : new FsAction[]{FsAction.NONE, FsAction.READ,
                FsAction.WRITE_EXECUTE})
                say("access " + path + " " + action, () -> {
                    nn.checkAccess(path, action);
                    return "granted";
                });
        }
        say("corrupt", () -> {
            CorruptFileBlocks found = nn.listCorruptFileBlocks("/", null);
            return Arrays.toString(found.getFiles());
        });
        say("open",
                () -> entries(nn.listOpenFiles(0, EnumSet.allOf(
                        org.apache.hadoop.hdfs.protocol.OpenFilesIterator.OpenFilesType.class),
                        "/")));
        say("slow", () -> Arrays.toString(nn.getSlowDatanodeReport()));
        for (String after : new String[]{"", "A", "zebra", "\u00e4"}) {
            say("names after " + after.length(),
                    () -> Arrays
                            .stream(nn
                                    .getListing("/cmp/names",
                                            after.getBytes(StandardCharsets.UTF_8), false)
                                    .getPartialListing())
                            .map(status -> status.getLocalName()).collect(Collectors.joining(",")));
        }
        say("batched", () -> {
            BatchedDirectoryListing found = nn.getBatchedListing(
                    new String[]{"/cmp/d", "/nonexistent", "/cmp/f", "/cmp/secret"}, new byte[0],
                    false);
            List<String> lines = new ArrayList<>();
            for (HdfsPartialListing listing : found.getListings()) {
                lines.add(listing.getParentIdx() + ":"
                        + (listing.getException() != null ? first(listing.getException())
                                : listing.getPartialListing().stream()
                                        .map(status -> status.getLocalName())
                                        .collect(Collectors.joining(","))));
            }
            return lines + " " + found.hasMore();
        });
    }

    static void quotas() throws Exception {
        for (String path : new String[]{"/cmp/d", "/cmp/f", "/nonexistent"}) {
            say("setQuota " + path, () -> {
                nn.setQuota(path, 100, HdfsConstants.QUOTA_DONT_SET, null);
                return "set";
            });
            say("setSpaceQuota " + path, () -> {
                nn.setQuota(path, HdfsConstants.QUOTA_DONT_SET, 1 << 20, null);
                return "set";
            });
            say("usage " + path, () -> {
                QuotaUsage usage = nn.getQuotaUsage(path);
                return usage.getQuota() + " " + usage.getSpaceQuota() + " "
                        + usage.getFileAndDirectoryCount();
            });
            say("clear " + path, () -> {
                nn.setQuota(path, HdfsConstants.QUOTA_RESET, HdfsConstants.QUOTA_RESET, null);
                return "cleared";
            });
        }
    }

    static CachePoolInfo pool(String name) { return new CachePoolInfo(name); }

    static void pools() throws Exception {
        say("addPool", () -> {
            nn.addCachePool(pool("p").setOwnerName("alice").setGroupName("staff")
                    .setMode(new FsPermission((short) 0700)));
            return "added";
        });
        say("addPool again", () -> { nn.addCachePool(pool("p")); return "added"; });
        say("addPool q", () -> {
            nn.addCachePool(pool("q").setLimit(25L).setMaxRelativeExpiryMs(2 * HOUR)
                    .setDefaultReplication((short) 2));
            return "added";
        });
        say("addPool unnamed", () -> { nn.addCachePool(pool("")); return "added"; });
        say("addPool limit", () -> { nn.addCachePool(pool("x").setLimit(-1L)); return "added"; });
        say("addPool expiry", () -> {
            nn.addCachePool(pool("x").setMaxRelativeExpiryMs(-1L));
            return "added";
        });
        say("addPool long expiry", () -> {
            nn.addCachePool(pool("x").setMaxRelativeExpiryMs(Long.MAX_VALUE));
            return "added";
        });
        say("addPool replication", () -> {
            nn.addCachePool(pool("x").setDefaultReplication((short) -1));
            return "added";
        });
        say("modifyPool",
                () -> { nn.modifyCachePool(pool("p").setLimit(1000L)); return "modified"; });
        say("modifyPool none", () -> {
            nn.modifyCachePool(pool("none").setLimit(1000L));
            return "modified";
        });
        say("removePool none", () -> { nn.removeCachePool("none"); return "removed"; });
        say("removePool unnamed", () -> { nn.removeCachePool(""); return "removed"; });
        listPools();
    }

    static void listPools() throws Exception {
        say("pools", () -> {
            BatchedEntries<CachePoolEntry> found = nn.listCachePools("");
            List<String> lines = new ArrayList<>();
            for (int i = 0; i < found.size(); i++) {
                CachePoolEntry entry = found.get(i);
                lines.add(entry.getInfo() + " needed " + entry.getStats().getBytesNeeded() + "/"
                        + entry.getStats().getFilesNeeded()
                        + " cached " + entry.getStats().getBytesCached() + "/"
                        + entry.getStats().getFilesCached() + " over "
                        + entry.getStats().getBytesOverlimit());
            }
            return lines + " " + found.hasMore();
        });
    }

    static CacheDirectiveInfo.Builder directive(String path, String pool) {
        CacheDirectiveInfo.Builder builder = new CacheDirectiveInfo.Builder();
        if (path != null) builder.setPath(new Path(path));
        return pool == null ? builder : builder.setPool(pool);
    }

    static CacheDirectiveInfo.Builder within(long millis) {
        return directive("/cmp/d", "q")
                .setExpiration(CacheDirectiveInfo.Expiration.newRelative(millis));
    }

    static void add(String label, CacheDirectiveInfo.Builder info, CacheFlag... flags)
            throws Exception {
        EnumSet<CacheFlag> set = EnumSet.noneOf(CacheFlag.class);
        set.addAll(Arrays.asList(flags));
        say("addDirective " + label, () -> nn.addCacheDirective(info.build(), set));
    }

    static void modify(String label, CacheDirectiveInfo.Builder info) throws Exception {
        say("modifyDirective " + label, () -> {
            nn.modifyCacheDirective(info.build(), EnumSet.noneOf(CacheFlag.class));
            return "modified";
        });
    }

    static void list(String label, CacheDirectiveInfo.Builder filter) throws Exception {
        say("directives " + label, () -> {
            BatchedEntries<CacheDirectiveEntry> found = nn.listCacheDirectives(0, filter.build());
            List<String> lines = new ArrayList<>();
            for (int i = 0; i < found.size(); i++) {
                CacheDirectiveInfo info = found.get(i).getInfo();
                lines.add(info.getId() + " " + info.getPath().toUri().getPath() + " "
                        + info.getReplication() + " " + info.getPool() + " "
                        + found.get(i).getStats());
            }
            return lines + " " + found.hasMore();
        });
    }

    static void directives() throws Exception {
        add("d", directive("/cmp/d", "p").setReplication((short) 3));
        add("ten", directive("/cmp/d/ten", "q"));
        add("over", directive("/cmp/d/twenty", "q"));
        add("forced", directive("/cmp/d/twenty", "q"), CacheFlag.FORCE);
        add("nonexistent", directive("/nonexistent", "p"));
        add("without pool", directive("/cmp/d", null));
        add("unknown pool", directive("/cmp/d", "none"));
        add("empty pool", directive("/cmp/d", ""));
        add("without path", directive(null, "p"));
        add("replication", directive("/cmp/d", "p").setReplication((short) 0));
        add("id", directive("/cmp/d", "p").setId(7L));
        add("negative expiry", within(-1));
        add("long expiry", within(3 * HOUR));
        modify("replication", directive(null, null).setId(1L).setReplication((short) 1));
        modify("pool", directive(null, "q").setId(1L));
        modify("unknown pool", directive(null, "none").setId(1L));
        modify("none", directive(null, null).setId(99L));
        modify("zero", directive(null, null).setId(0L));
        modify("without id", directive("/cmp/d", "p"));
        list("all", directive(null, null));
        list("p", directive(null, "p"));
        list("path", directive("/cmp/d", null));
        list("id", directive(null, null).setId(2L));
        list("unknown id", directive(null, null).setId(99L));
        list("replication", directive(null, null).setReplication((short) 1));
        listPools();
        say("removeDirective", () -> { nn.removeCacheDirective(2L); return "removed"; });
        say("removeDirective none", () -> { nn.removeCacheDirective(99L); return "removed"; });
        say("removeDirective negative", () -> { nn.removeCacheDirective(-1L); return "removed"; });
        list("rest", directive(null, null));
    }

    static String entries(BatchedEntries<?> found) {
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < found.size(); i++) lines.add(String.valueOf(found.get(i)));
        return lines + " " + found.hasMore();
    }

    static String first(Throwable error) {
        String text = error instanceof RemoteException
                ? ((RemoteException) error).getClassName() + ": " + error.getMessage()
                : error.toString();
        return text.split("\n")[0];
    }

    static void say(String label, Call call) throws Exception {
        String answer;
        try {
            answer = String.valueOf(call.make());
        } catch (java.lang.reflect.InvocationTargetException wrapped) {
            answer = first(wrapped.getCause());
        } catch (Exception refused) {
            answer = first(refused);
        }
        String line = user + " " + label + " = " + answer;
        System.out
                .println(line.replaceAll("\\b" + superuser + "\\b", "SUPERUSER").replace("\n", " ")
                        // An absolute time differs from run to run.
                        .replaceAll("Expiration \\d+-\\S+ exceeds", "Expiration TIME exceeds"));
    }
}
