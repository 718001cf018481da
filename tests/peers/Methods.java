import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.security.PrivilegedExceptionAction;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.crypto.CryptoProtocolVersion;
import org.apache.hadoop.fs.BatchedRemoteIterator.BatchedEntries;
import org.apache.hadoop.fs.CacheFlag;
import org.apache.hadoop.fs.CreateFlag;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.FsServerDefaults;
import org.apache.hadoop.fs.Options.Rename;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.XAttr;
import org.apache.hadoop.fs.XAttrSetFlag;
import org.apache.hadoop.fs.permission.AclEntry;
import org.apache.hadoop.fs.permission.FsAction;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.hdfs.XAttrHelper;
import org.apache.hadoop.hdfs.protocol.CacheDirectiveInfo;
import org.apache.hadoop.hdfs.protocol.CachePoolInfo;
import org.apache.hadoop.hdfs.protocol.ClientProtocol;
import org.apache.hadoop.hdfs.protocol.DatanodeID;
import org.apache.hadoop.hdfs.protocol.DatanodeInfo;
import org.apache.hadoop.hdfs.protocol.ExtendedBlock;
import org.apache.hadoop.hdfs.protocol.HdfsConstants;
import org.apache.hadoop.hdfs.protocol.HdfsFileStatus;
import org.apache.hadoop.hdfs.protocol.LocatedBlock;
import org.apache.hadoop.hdfs.protocol.OpenFilesIterator.OpenFilesType;
import org.apache.hadoop.hdfs.protocol.proto.ClientNamenodeProtocolProtos.ClientNamenodeProtocol;
import org.apache.hadoop.hdfs.security.token.delegation.DelegationTokenIdentifier;
import org.apache.hadoop.io.EnumSetWritable;
import org.apache.hadoop.io.Text;
import org.apache.hadoop.ipc.RemoteException;
import org.apache.hadoop.security.UserGroupInformation;
import org.apache.hadoop.security.token.Token;

/**
 * Calls every method of ClientProtocol as the superuser and as alice, and prints each answer on a
 * line: the result, or the exception's class and the first line of its message. Fails if a method
 * has not been called.
 * Arguments: the superuser's name, which is printed as SUPERUSER.
 */
public class Methods {
    interface Call { Object make() throws Exception; }
    interface Action { void make() throws Exception; }

    static final FsPermission MODE = new FsPermission((short) 0755);
    static final int BLOCK = 1 << 20;
    static final Set<String> called = new TreeSet<>();
    static String superuser, user, client;
    static ClientProtocol nn;

    public static void main(String[] arguments) throws Exception {
        superuser = arguments[0];
        Configuration conf = new Configuration();
        UserGroupInformation.setConfiguration(conf);
        for (String name : new String[]{superuser, "alice"}) {
            user = name;
            client = "client-" + name;
            UserGroupInformation.createRemoteUser(name)
                    .doAs((PrivilegedExceptionAction<Void>) () -> {
                        try (FileSystem fs = FileSystem.newInstance(conf)) {
                            nn = recording(((DistributedFileSystem) fs).getClient().getNamenode());
                            String home = "/methods/" + (name.equals(superuser) ? "root" : "alice");
                            tree(home);
                            writing(home);
                            attributes(home);
                            snapshots(home);
                            caching(home);
                            laterFeatures(home);
                            cluster();
                            administration();
                        }
                        return null;
                    });
        }
        Set<String> missing = new TreeSet<>();
        for (Method method : ClientProtocol.class.getMethods())
            if (!called.contains(method.getName())) missing.add(method.getName());
        System.out.println(ClientNamenodeProtocol.BlockingInterface.class.getMethods().length
                + " methods on the wire, not called: " + missing);
        if (!missing.isEmpty()) System.exit(1);
    }

    /** Notes the names of the methods that are called. */
    static ClientProtocol recording(ClientProtocol of) {
        return (ClientProtocol) Proxy.newProxyInstance(Methods.class.getClassLoader(),
                new Class<?>[]{ClientProtocol.class}, (proxy, method, given) -> {
                    called.add(method.getName());
                    try {
                        return method.invoke(of, given);
                    } catch (InvocationTargetException wrapped) {
                        throw wrapped.getCause();
                    }
                });
    }

    static void tree(String home) {
        ask("mkdirs", () -> nn.mkdirs("/methods", new FsPermission((short) 0777), true));
        done("setPermission", () -> nn.setPermission("/methods", new FsPermission((short) 0777)));
        ask("mkdirs", () -> nn.mkdirs(home + "/d", MODE, true));
        ask("mkdirs", () -> nn.mkdirs(home + "/e", MODE, true));
        done("createSymlink", () -> nn.createSymlink(home + "/d", home + "/l", MODE, false));
        ask("getLinkTarget", () -> nn.getLinkTarget(home + "/l"));
        ask("getFileLinkInfo", () -> line(nn.getFileLinkInfo(home + "/l")));
        ask("getFileInfo", () -> line(nn.getFileInfo(home)));
        ask("rename", () -> nn.rename(home + "/e", home + "/g"));
        done("rename2", () -> nn.rename2(home + "/g", home + "/e", Rename.OVERWRITE));
        ask("getListing", () -> nn.getListing(home, new byte[0], false).getPartialListing().length);
        ask("getBatchedListing",
                () -> nn.getBatchedListing(new String[]{home, home + "/d"}, new byte[0], false)
                        .getListings().length);
        done("checkAccess", () -> nn.checkAccess(home, FsAction.ALL));
        ask("delete", () -> nn.delete(home + "/e", true));
        ask("getEnclosingRoot", () -> nn.getEnclosingRoot(home));
    }

    static void writing(String home) {
        String f = home + "/d/f", g = home + "/d/g";
        for (String path : new String[]{f, g})
            ask("create",
                    () -> line(nn.create(path, MODE, client,
                            new EnumSetWritable<>(EnumSet.of(CreateFlag.CREATE)), true, (short) 1,
                            BLOCK, new CryptoProtocolVersion[0], null, null)));
        LocatedBlock[] block = new LocatedBlock[1];
        ask("addBlock", () -> {
            block[0] = nn.addBlock(f, client, null, null, 0, null, null);
            return block[0].getLocations().length;
        });
        ExtendedBlock written = block[0].getBlock();
        DatanodeInfo[] nodes = block[0].getLocations();
        ask("getAdditionalDatanode", () -> nn.getAdditionalDatanode(f, 0, written, nodes,
                block[0].getStorageIDs(), new DatanodeInfo[0], 1, client).getLocations().length);
        ask("getAdditionalDatanode", () -> nn.getAdditionalDatanode(f, 0, written, nodes,
                block[0].getStorageIDs(), new DatanodeInfo[0], 1, "other"));
        ask("updateBlockForPipeline", () -> nn.updateBlockForPipeline(written, "other"));
        ExtendedBlock[] newer = new ExtendedBlock[1];
        ask("updateBlockForPipeline", () -> {
            newer[0] = nn.updateBlockForPipeline(written, client).getBlock();
            return newer[0].getGenerationStamp() > written.getGenerationStamp();
        });
        done("updatePipeline", () -> nn.updatePipeline("other", written, newer[0], nodes,
                block[0].getStorageIDs()));
        done("updatePipeline",
                () -> nn.updatePipeline(client, written, newer[0], nodes, new String[0]));
        done("updatePipeline", () -> nn.updatePipeline(client, written, newer[0], nodes,
                block[0].getStorageIDs()));
        done("updatePipeline", () -> nn.updatePipeline(client, newer[0], newer[0],
                new DatanodeID[0], new String[0]));
        ask("getBlockLocations", () -> nn.getBlockLocations(f, 0, 10).getLocatedBlocks().size());
        ask("listOpenFiles", () -> entries(nn.listOpenFiles(0)));
        ask("listOpenFiles",
                () -> entries(nn.listOpenFiles(0, EnumSet.of(OpenFilesType.ALL_OPEN_FILES), "/")));
        done("fsync", () -> nn.fsync(f, 0, client, 0));
        done("renewLease", () -> nn.renewLease(client, null));
        done("renewLease", () -> nn.renewLease("other", List.of("none")));
        done("abandonBlock", () -> nn.abandonBlock(newer[0], 0, f, client));
        ask("complete", () -> nn.complete(f, client, null, 0));
        ask("isFileClosed", () -> nn.isFileClosed(f));
        ask("recoverLease", () -> nn.recoverLease(g, client));
        ask("append",
                () -> line(
                        nn.append(g, client, new EnumSetWritable<>(EnumSet.of(CreateFlag.APPEND)))
                                .getFileStatus()));
        ask("complete", () -> nn.complete(g, client, null, 0));
        ask("truncate", () -> nn.truncate(f, 0, client));
        ask("truncate", () -> nn.truncate(f, 1, client));
        done("concat", () -> nn.concat(f, new String[]{g}));
        ask("getLocatedFileInfo", () -> line(nn.getLocatedFileInfo(f, true)));
        ask("getPreferredBlockSize", () -> nn.getPreferredBlockSize(f));
        done("reportBadBlocks", () -> nn.reportBadBlocks(new LocatedBlock[]{block[0]}));
        done("reportBadBlocks", () -> nn.reportBadBlocks(new LocatedBlock[]{
            new LocatedBlock(new ExtendedBlock("BP-none", 1, 1, 1), nodes)}));
    }

    static void attributes(String home) {
        String f = home + "/d/f";
        XAttr xattr = XAttrHelper.buildXAttr("user.a", new byte[]{1});
        List<AclEntry> acl = AclEntry.parseAclSpec("user:bob:rwx", true);
        done("setOwner", () -> nn.setOwner(f, user, null));
        done("setTimes", () -> nn.setTimes(f, 1, 2));
        ask("setReplication", () -> nn.setReplication(f, (short) 2));
        done("modifyAclEntries", () -> nn.modifyAclEntries(f, acl));
        ask("getAclStatus", () -> nn.getAclStatus(f).getEntries());
        done("removeAclEntries",
                () -> nn.removeAclEntries(f, AclEntry.parseAclSpec("user:bob", false)));
        done("removeDefaultAcl", () -> nn.removeDefaultAcl(f));
        done("setAcl", () -> nn.setAcl(f, acl));
        done("removeAcl", () -> nn.removeAcl(f));
        done("setXAttr", () -> nn.setXAttr(f, xattr, EnumSet.of(XAttrSetFlag.CREATE)));
        ask("getXAttrs", () -> nn.getXAttrs(f, null));
        ask("listXAttrs", () -> nn.listXAttrs(f));
        done("removeXAttr", () -> nn.removeXAttr(f, xattr));
        ask("getStoragePolicies", () -> nn.getStoragePolicies().length);
        done("setStoragePolicy", () -> nn.setStoragePolicy(f, "COLD"));
        ask("getStoragePolicy", () -> nn.getStoragePolicy(f));
        done("unsetStoragePolicy", () -> nn.unsetStoragePolicy(f));
        done("satisfyStoragePolicy", () -> nn.satisfyStoragePolicy(f));
        done("setQuota", () -> nn.setQuota(home, 100, HdfsConstants.QUOTA_DONT_SET, null));
        ask("getQuotaUsage", () -> nn.getQuotaUsage(home).getFileAndDirectoryCount());
        ask("getContentSummary", () -> nn.getContentSummary(home).getFileCount());
    }

    static void snapshots(String home) {
        String d = home + "/d";
        done("allowSnapshot", () -> nn.allowSnapshot(d));
        ask("createSnapshot", () -> nn.createSnapshot(d, "s"));
        done("renameSnapshot", () -> nn.renameSnapshot(d, "s", "t"));
        ask("getSnapshotListing", () -> nn.getSnapshotListing(d).length);
        ask("getSnapshottableDirListing", () -> {
            var found = nn.getSnapshottableDirListing();
            return found == null ? "null" : found.length;
        });
        ask("getSnapshotDiffReport", () -> nn.getSnapshotDiffReport(d, "t", "").getDiffList());
        ask("getSnapshotDiffReportListing", () -> nn
                .getSnapshotDiffReportListing(d, "t", "", new byte[0], -1).getModifyList().size());
        done("deleteSnapshot", () -> nn.deleteSnapshot(d, "t"));
        done("disallowSnapshot", () -> nn.disallowSnapshot(d));
    }

    static void caching(String home) {
        CacheDirectiveInfo.Builder directive = new CacheDirectiveInfo.Builder()
                .setPath(new Path(home)).setPool("pool");
        done("addCachePool", () -> nn.addCachePool(new CachePoolInfo("pool")));
        done("modifyCachePool", () -> nn.modifyCachePool(new CachePoolInfo("pool").setLimit(10L)));
        ask("listCachePools", () -> nn.listCachePools("").size());
        long[] id = {99};
        ask("addCacheDirective",
                () -> id[0] = nn.addCacheDirective(directive.build(), EnumSet.of(CacheFlag.FORCE)));
        done("modifyCacheDirective", () -> nn.modifyCacheDirective(
                new CacheDirectiveInfo.Builder().setId(id[0]).setReplication((short) 2).build(),
                EnumSet.of(CacheFlag.FORCE)));
        ask("listCacheDirectives",
                () -> nn.listCacheDirectives(0, new CacheDirectiveInfo.Builder().build()).size());
        done("removeCacheDirective", () -> nn.removeCacheDirective(id[0]));
        done("removeCachePool", () -> nn.removeCachePool("pool"));
    }

    /**
     * What a cluster without encryption zones, erasure coding and another NameNode answers. Ours
     * has no policies and codecs of erasure coding, so nothing is printed of Hadoop's.
     */
    static void laterFeatures(String home) {
        done("createEncryptionZone", () -> nn.createEncryptionZone(home, "key"));
        ask("getEZForPath", () -> nn.getEZForPath(home));
        ask("listEncryptionZones", () -> entries(nn.listEncryptionZones(0)));
        done("reencryptEncryptionZone",
                () -> nn.reencryptEncryptionZone(home, HdfsConstants.ReencryptAction.START));
        ask("listReencryptionStatus", () -> entries(nn.listReencryptionStatus(0)));
        done("disableErasureCodingPolicy", () -> nn.disableErasureCodingPolicy("none"));
        try {
            nn.disableErasureCodingPolicy("RS-6-3-1024k");
        } catch (java.io.IOException none) {
        }
        done("setErasureCodingPolicy", () -> nn.setErasureCodingPolicy(home, "none"));
        ask("getErasureCodingPolicy", () -> nn.getErasureCodingPolicy(home));
        done("unsetErasureCodingPolicy", () -> nn.unsetErasureCodingPolicy(home));
        ask("addErasureCodingPolicies", () -> nn.addErasureCodingPolicies(
                new org.apache.hadoop.hdfs.protocol.ErasureCodingPolicy[0]).length);
        done("removeErasureCodingPolicy", () -> nn.removeErasureCodingPolicy("none"));
        done("enableErasureCodingPolicy", () -> nn.enableErasureCodingPolicy("none"));
        ask("getECTopologyResultForPolicies",
                () -> nn.getECTopologyResultForPolicies("none").isSupported());
        ask("getErasureCodingPolicies", () -> nn.getErasureCodingPolicies() != null);
        ask("getErasureCodingCodecs", () -> nn.getErasureCodingCodecs() != null);
        ask("getECBlockGroupStats", () -> nn.getECBlockGroupStats());
        ask("getHAServiceState", () -> nn.getHAServiceState());
        done("msync", () -> nn.msync());
    }

    static void cluster() {
        ask("getServerDefaults", () -> {
            FsServerDefaults is = nn.getServerDefaults();
            return is.getBlockSize() + " " + is.getBytesPerChecksum() + " "
                    + is.getWritePacketSize() + " " + is.getReplication() + " "
                    + is.getFileBufferSize() + " "
                    + is.getEncryptDataTransfer() + " " + is.getTrashInterval() + " "
                    + is.getChecksumType() + " " + is.getKeyProviderUri() + " "
                    + is.getDefaultStoragePolicyId()
                    + " " + is.getSnapshotTrashRootEnabled();
        });
        // The first three are the room on disk.
        ask("getStats", () -> {
            long[] stats = nn.getStats();
            return Arrays.toString(Arrays.copyOfRange(stats, 3, stats.length));
        });
        ask("getReplicatedBlockStats", () -> nn.getReplicatedBlockStats());
        for (HdfsConstants.DatanodeReportType type : HdfsConstants.DatanodeReportType.values()) {
            ask("getDatanodeReport " + type, () -> nn.getDatanodeReport(type).length);
            ask("getDatanodeStorageReport " + type, () -> nn.getDatanodeStorageReport(type).length);
        }
        ask("getSlowDatanodeReport", () -> nn.getSlowDatanodeReport().length);
        ask("listCorruptFileBlocks", () -> nn.listCorruptFileBlocks("/", null).getFiles().length);
        ask("getDelegationToken", () -> nn.getDelegationToken(new Text("alice")));
        Token<DelegationTokenIdentifier> empty = new Token<>();
        ask("renewDelegationToken", () -> nn.renewDelegationToken(empty));
        done("cancelDelegationToken", () -> nn.cancelDelegationToken(empty));
        ask("getDataEncryptionKey", () -> nn.getDataEncryptionKey());
        ask("getCurrentEditLogTxid", () -> nn.getCurrentEditLogTxid() > 0);
        ask("getEditsFromTxid", () -> nn.getEditsFromTxid(1L << 40).getBatches().size());
    }

    static void administration() {
        ask("rollEdits", () -> nn.rollEdits() > 0);
        ask("saveNamespace", () -> nn.saveNamespace(0, 0));
        for (HdfsConstants.SafeModeAction action : new HdfsConstants.SafeModeAction[]{
            HdfsConstants.SafeModeAction.SAFEMODE_GET, HdfsConstants.SafeModeAction.SAFEMODE_ENTER,
            HdfsConstants.SafeModeAction.SAFEMODE_GET})
            ask("setSafeMode " + action, () -> nn.setSafeMode(action, false));
        ask("rollEdits", () -> nn.rollEdits() > 0);
        ask("saveNamespace", () -> nn.saveNamespace(0, 0));
        for (HdfsConstants.SafeModeAction action : new HdfsConstants.SafeModeAction[]{
            HdfsConstants.SafeModeAction.SAFEMODE_FORCE_EXIT,
            HdfsConstants.SafeModeAction.SAFEMODE_LEAVE,
            HdfsConstants.SafeModeAction.SAFEMODE_GET})
            ask("setSafeMode " + action, () -> nn.setSafeMode(action, false));
        ask("restoreFailedStorage", () -> nn.restoreFailedStorage("check"));
        done("refreshNodes", () -> nn.refreshNodes());
        done("finalizeUpgrade", () -> nn.finalizeUpgrade());
        ask("upgradeStatus", () -> nn.upgradeStatus());
        ask("rollingUpgrade", () -> nn.rollingUpgrade(HdfsConstants.RollingUpgradeAction.QUERY));
        done("metaSave", () -> nn.metaSave("meta.txt"));
        done("setBalancerBandwidth", () -> nn.setBalancerBandwidth(1000));
    }

    static String entries(BatchedEntries<?> found) { return found.size() + " " + found.hasMore(); }

    static String line(HdfsFileStatus status) {
        return status.getPermission() + "," + status.getOwner() + "," + status.getGroup() + ","
                + status.getLen() + "," + status.getReplication() + "," + status.getBlockSize();
    }

    static void done(String label, Action action) {
        ask(label, () -> { action.make(); return "done"; });
    }

    static void ask(String label, Call call) {
        String answer;
        try {
            answer = String.valueOf(call.make());
        } catch (RemoteException refused) {
            answer = refused.getClassName() + ": " + refused.getMessage();
        } catch (Exception refused) {
            answer = refused.toString();
        }
        System.out.println((user + " " + label + " = " + answer.split("\n")[0])
                .replaceAll("\\b" + superuser + "\\b", "SUPERUSER")
                .replaceAll("blk_-?\\d+(_\\d+)?", "BLOCK")
                .replaceAll("(BLOCK[^0-9]* )\\d+", "$1N").replaceAll("BP-\\d[0-9.-]+", "POOL")
                .replaceAll("inode (Id )?\\d+", "inode N").replaceAll("127.0.0.1:\\d+", "NODE"));
    }
}
