import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.crypto.CryptoProtocolVersion;
import org.apache.hadoop.fs.BatchedRemoteIterator.BatchedEntries;
import org.apache.hadoop.fs.ContentSummary;
import org.apache.hadoop.fs.CreateFlag;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Options.Rename;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.QuotaUsage;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.hdfs.client.HdfsDataOutputStream;
import org.apache.hadoop.hdfs.protocol.ClientProtocol;
import org.apache.hadoop.hdfs.protocol.DatanodeID;
import org.apache.hadoop.hdfs.protocol.DatanodeInfo;
import org.apache.hadoop.hdfs.protocol.ExtendedBlock;
import org.apache.hadoop.hdfs.protocol.HdfsFileStatus;
import org.apache.hadoop.hdfs.protocol.LastBlockWithStatus;
import org.apache.hadoop.hdfs.protocol.LocatedBlock;
import org.apache.hadoop.hdfs.protocol.LocatedBlocks;
import org.apache.hadoop.hdfs.protocol.OpenFileEntry;
import org.apache.hadoop.hdfs.protocol.OpenFilesIterator.OpenFilesType;
import org.apache.hadoop.io.EnumSetWritable;
import org.apache.hadoop.ipc.RemoteException;
import org.apache.hadoop.security.UserGroupInformation;

/**
 * Removes files that are being written and that a snapshot shows, in each way and state, and prints
 * each answer to their writers on a line, and what is counted.
 * Arguments: the superuser's name.
 */
public class GoneFiles {
    interface Call { Object make() throws Exception; }
    interface Start { ExtendedBlock open(String path) throws Exception; }
    interface Removal { void of(String path) throws Exception; }

    static final int BLOCK = 1 << 20;
    static final String HOLDER = "client-one";
    static DistributedFileSystem fs;
    static ClientProtocol nn;
    static final List<FSDataOutputStream> streams = new ArrayList<>();

    public static void main(String[] arguments) throws Exception {
        Configuration conf = new Configuration();
        conf.setInt("dfs.replication", 1);
        conf.setInt("dfs.blocksize", BLOCK);
        UserGroupInformation.setConfiguration(conf);
        UserGroupInformation ugi = UserGroupInformation.createRemoteUser(arguments[0]);
        ugi.doAs((java.security.PrivilegedExceptionAction<Void>) () -> {
            fs = (DistributedFileSystem) FileSystem.newInstance(conf);
            nn = fs.getClient().getNamenode();
            all();
            return null;
        });
        // Without closing the files that are gone.
        System.exit(0);
    }

    static void all() throws Exception {
        Start[] starts = {GoneFiles::create, GoneFiles::allocated, p -> synced(p, 700),
            p -> synced(p, 0), GoneFiles::appended, p -> appendedAtTheEnd(p, false),
            p -> appendedAtTheEnd(p, true), GoneFiles::streamed, GoneFiles::closed};
        String[] states = {"new", "allocated", "synced", "synced while empty", "appended",
            "appended at the end", "with a second block", "streamed", "closed"};
        Removal[] removals = {p -> nn.delete(p, false), p -> nn.delete(parent(p), true),
            p -> create(p, "client-three", CreateFlag.OVERWRITE),
            p -> { write("/gone/other", 10); nn.rename2("/gone/other", p, Rename.OVERWRITE); },
            p -> { nn.rename(p, p + "moved"); nn.delete(p + "moved", false); },
            p -> { nn.rename(p, p + "moved"); nn.delete(parent(p), true); },
            p -> {
                nn.setPermission(p, new FsPermission((short) 0600));
                nn.delete(parent(p), true);
            }};
        String[] ways = {"deleted", "deleted with its directory", "overwritten", "moved onto",
            "moved and deleted", "moved and deleted with its directory",
            "changed and deleted with its directory"};
        for (int state = 0; state < states.length; state++)
            for (int way = 0; way < ways.length; way++)
                remove(states[state] + ", " + ways[way], starts[state], removals[way]);
    }

    static void remove(String label, Start start, Removal removal) throws Exception {
        nn.mkdirs("/gone/d", new FsPermission((short) 0777), true);
        nn.allowSnapshot("/gone");
        String path = "/gone/d/f", kept = "/gone/.snapshot/s/d/f";
        ExtendedBlock block = start.open(path);
        long id = nn.getFileInfo(path).getFileId();
        nn.createSnapshot("/gone", "s");
        totals(label + " before");
        removal.of(path);
        // No snapshot needs an empty block.
        if (block != null && block.getNumBytes() == 0) awaitRemoval(block);
        writing(label + " by path", path, 0, block);
        writing(label + " by id", path, id, block);
        totals(label);
        say(label + " in the snapshot", () -> line(nn.getFileInfo(kept))
                + blocks(nn.getBlockLocations(kept, 0, 1L << 40)));
        say(label + " by its id", () -> line(nn.getFileInfo("/.reserved/.inodes/" + id)));
        say(label + " open", () -> open());
        say(label + " closed", () -> nn.isFileClosed(kept));
        for (FSDataOutputStream stream : streams)
            say(label + " end of the stream", () -> { stream.close(); return "closed"; });
        streams.clear();
        nn.createSnapshot("/gone", "t");
        nn.deleteSnapshot("/gone", "s");
        if (block != null) awaitRemoval(block);
        totals(label + " without the snapshot");
        writing(label + " without the snapshot", path, id, block);
        nn.deleteSnapshot("/gone", "t");
        totals(label + " without snapshots");
        nn.disallowSnapshot("/gone");
        nn.delete("/gone", true);
    }

    /**
     * Waits for Hadoop's thread that removes blocks (MarkedDeleteBlockScrubber): it takes some
     * milliseconds, but never removes the blocks of some files that were moved.
     */
    static void awaitRemoval(ExtendedBlock block) throws Exception {
        for (int i = 0; i < 100; i++) {
            try {
                nn.updateBlockForPipeline(block, HOLDER);
            } catch (RemoteException refused) {
                if (refused.getMessage().split("\n")[0].endsWith(" does not exist.")) return;
            }
            Thread.sleep(10);
        }
        System.err.println("still there: " + block);
    }

    static void writing(String label, String path, long id, ExtendedBlock block) {
        ExtendedBlock known = block != null ? block : new ExtendedBlock("BP-none", 1, 1, 1);
        ExtendedBlock same = new ExtendedBlock(known);
        for (String holder : new String[]{HOLDER, "client-two"}) {
            String as = label + " " + holder + " ";
            say(as + "addBlock", () -> nn.addBlock(path, holder, block, null, id, null, null));
            say(as + "fsync", () -> { nn.fsync(path, id, holder, 800); return "synced"; });
            say(as + "pipeline",
                    () -> nn.updateBlockForPipeline(known, holder).getBlock().getNumBytes());
            say(as + "update", () -> {
                nn.updatePipeline(holder, known, same, new DatanodeID[0], new String[0]);
                return "updated";
            });
            say(as + "additional",
                    () -> nn.getAdditionalDatanode(path, id, known, new DatanodeInfo[0],
                            new String[0], new DatanodeInfo[0], 1, holder).getLocations().length);
            say(as + "abandon",
                    () -> { nn.abandonBlock(known, id, path, holder); return "abandoned"; });
            say(as + "complete", () -> nn.complete(path, holder, block, id));
        }
    }

    static String parent(String path) { return new Path(path).getParent().toString(); }

    static void create(String path, String holder, CreateFlag... more) throws Exception {
        EnumSet<CreateFlag> flags = EnumSet.of(CreateFlag.CREATE, more);
        nn.create(path, FsPermission.getFileDefault(), holder, new EnumSetWritable<>(flags), true,
                (short) 1, BLOCK, new CryptoProtocolVersion[0], null, null);
    }

    static ExtendedBlock create(String path) throws Exception {
        create(path, HOLDER);
        return null;
    }

    static ExtendedBlock allocated(String path) throws Exception {
        create(path, HOLDER);
        return nn.addBlock(path, HOLDER, null, null, 0, null, null).getBlock();
    }

    static ExtendedBlock synced(String path, long length) throws Exception {
        ExtendedBlock block = allocated(path);
        nn.fsync(path, 0, HOLDER, length);
        block.setNumBytes(length);
        return block;
    }

    static void write(String path, int length) throws Exception {
        try (FSDataOutputStream out = fs.create(new Path(path))) {
            out.write(new byte[length]);
        }
    }

    static ExtendedBlock closed(String path) throws Exception {
        write(path, BLOCK);
        return nn.getBlockLocations(path, 0, 1).get(0).getBlock();
    }

    static LastBlockWithStatus append(String path) throws Exception {
        return nn.append(path, HOLDER, new EnumSetWritable<>(EnumSet.of(CreateFlag.APPEND)));
    }

    static ExtendedBlock appended(String path) throws Exception {
        write(path, BLOCK + 5);
        return append(path).getLastBlock().getBlock();
    }

    static ExtendedBlock appendedAtTheEnd(String path, boolean writes) throws Exception {
        write(path, BLOCK);
        append(path);
        if (!writes) return null;
        LocatedBlock added = nn.addBlock(path, HOLDER, null, null, 0, null, null);
        nn.fsync(path, 0, HOLDER, 9);
        return added.getBlock();
    }

    static ExtendedBlock streamed(String path) throws Exception {
        FSDataOutputStream out = fs.create(new Path(path));
        out.write(new byte[BLOCK + 300]);
        ((HdfsDataOutputStream) out)
                .hsync(EnumSet.of(HdfsDataOutputStream.SyncFlag.UPDATE_LENGTH));
        streams.add(out);
        List<LocatedBlock> blocks = nn.getBlockLocations(path, 0, 1L << 40).getLocatedBlocks();
        return blocks.get(blocks.size() - 1).getBlock();
    }

    static String open() throws Exception {
        List<String> found = new ArrayList<>();
        BatchedEntries<OpenFileEntry> entries = nn.listOpenFiles(0,
                EnumSet.of(OpenFilesType.ALL_OPEN_FILES), "/gone");
        for (int i = 0; i < entries.size(); i++)
            found.add(entries.get(i).getFilePath() + " " + entries.get(i).getClientName());
        return found.toString();
    }

    static void totals(String label) {
        for (String path : new String[]{"/gone", "/gone/d", "/gone/.snapshot/s",
            "/gone/.snapshot/s/d/f", "/gone/.snapshot/t"}) {
            say(label + " summary " + path, () -> summary(nn.getContentSummary(path)));
            say(label + " usage " + path, () -> usage(nn.getQuotaUsage(path)));
        }
    }

    static String line(HdfsFileStatus status) {
        if (status == null) return "null";
        return (status.isDirectory() ? "d" : "-") + status.getPermission() + "," + status.getLen()
                + "," + status.getReplication() + "," + status.getBlockSize();
    }

    static String blocks(LocatedBlocks found) {
        StringBuilder sizes = new StringBuilder();
        for (LocatedBlock block : found.getLocatedBlocks())
            sizes.append(block.getStartOffset()).append("+").append(block.getBlockSize())
                    .append("x").append(block.getLocations().length).append(" ");
        return "{" + found.getFileLength() + " " + sizes + found.isUnderConstruction() + " "
                + found.isLastBlockComplete() + " " + (found.getLastLocatedBlock() != null) + "}";
    }

    static String summary(ContentSummary of) {
        return of.getLength() + " " + of.getFileCount() + " " + of.getDirectoryCount() + " "
                + of.getSpaceConsumed() + " snapshots "
                + of.getSnapshotLength() + " " + of.getSnapshotFileCount() + " "
                + of.getSnapshotDirectoryCount() + " " + of.getSnapshotSpaceConsumed();
    }

    static String usage(QuotaUsage of) {
        return of.getFileAndDirectoryCount() + " " + of.getSpaceConsumed();
    }

    static void say(String label, Call call) {
        String answer;
        try {
            answer = String.valueOf(call.make());
        } catch (RemoteException refused) {
            answer = refused.getClassName() + ": " + refused.getMessage().split("\n")[0];
        } catch (Exception refused) {
            answer = refused.toString().split("\n")[0];
        }
        System.out.println((label + " = " + answer)
                .replaceAll("blk_-?\\d+(_\\d+)?", "BLOCK").replaceAll("BP-[0-9.-]+", "POOL")
                .replaceAll("DFSClient_NONMAPREDUCE_-?\\d+_\\d+", "CLIENT")
                .replaceAll("inode (Id )?\\d+", "inode N"));
    }
}
