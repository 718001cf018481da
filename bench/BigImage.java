// Writes a name directory of Hadoop 3.4 with many files: BigImage DIR COUNT. Each file has a block,
// and 1,000 are in a directory. The image is DIR/current/fsimage_0000000000000000001; there are no
// edits.
import java.io.BufferedOutputStream;
import java.io.File;
import java.io.FileOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import org.apache.hadoop.hdfs.protocol.proto.HdfsProtos.BlockProto;
import org.apache.hadoop.hdfs.server.namenode.FsImageProto.FileSummary;
import org.apache.hadoop.hdfs.server.namenode.FsImageProto.INodeDirectorySection.DirEntry;
import org.apache.hadoop.hdfs.server.namenode.FsImageProto.INodeSection;
import org.apache.hadoop.hdfs.server.namenode.FsImageProto.NameSystemSection;
import org.apache.hadoop.hdfs.server.namenode.FsImageProto.StringTableSection;
import org.apache.hadoop.thirdparty.protobuf.ByteString;

public class BigImage {
    static final int ROOT = 16385, NAMESPACE = 7, PER_DIRECTORY = 1000;
    static final long FIRST_BLOCK = 1L << 30, TIME = 1_700_000_000_000L,
            PERMISSION = 1L << 40 | 2L << 16;

    /** Counts the bytes. */
    static class Counted extends FilterOutputStream {
        long count;

        Counted(OutputStream out) { super(out); }

        @Override
        public void write(int one) throws IOException { out.write(one); count++; }

        @Override
        public void write(byte[] bytes, int from, int length) throws IOException {
            out.write(bytes, from, length);
            count += length;
        }
    }

    static Counted out;
    static FileSummary.Builder summary = FileSummary.newBuilder().setOndiskVersion(1)
            .setLayoutVersion(-67);

    static void end(String name, long from) {
        summary.addSections(FileSummary.Section.newBuilder().setName(name).setOffset(from)
                .setLength(out.count - from));
    }

    public static void main(String[] args) throws Exception {
        File current = new File(args[0], "current");
        int count = Integer.parseInt(args[1]),
                directories = (count + PER_DIRECTORY - 1) / PER_DIRECTORY;
        current.mkdirs();
        String name = "fsimage_0000000000000000001";
        MessageDigest digest = MessageDigest.getInstance("MD5");
        try (OutputStream file = new FileOutputStream(new File(current, name))) {
            out = new Counted(
                    new BufferedOutputStream(new DigestOutputStream(file, digest), 1 << 20));
            out.write("HDFSIMG1".getBytes());
            write(count, directories);
            byte[] end = summary.build().toByteArray();
            summary.build().writeDelimitedTo(out);
            int length = (int) (end.length + varint(end.length));
            out.write(ByteBuffer.allocate(4).putInt(length).array());
            out.flush();
        }
        put(current, name + ".md5",
                String.format("%032x *%s\n", new BigInteger(1, digest.digest()), name));
        put(current, "seen_txid", "1\n");
        put(current, "VERSION",
                "namespaceID=" + NAMESPACE + "\nclusterID=CID-1\ncTime=0\nstorageType=NAME_NODE\n"
                        + "blockpoolID=BP-1-127.0.0.1-1\nlayoutVersion=-67\n");
    }

    static int varint(int number) { return number < 128 ? 1 : 1 + varint(number >>> 7); }

    static void put(File folder, String name, String text) throws IOException {
        Files.writeString(Path.of(folder.getPath(), name), text);
    }

    static void write(int count, int directories) throws IOException {
        long from = out.count;
        NameSystemSection.newBuilder().setNamespaceId(NAMESPACE).setGenstampV1(1000)
                .setGenstampV2(1001).setGenstampV1Limit(0)
                .setLastAllocatedBlockId(FIRST_BLOCK + count).setTransactionId(1).build()
                .writeDelimitedTo(out);
        end("NS_INFO", from);
        from = out.count;
        INodeSection.newBuilder().setLastInodeId(ROOT + directories + count)
                .setNumInodes(1 + directories + count).build().writeDelimitedTo(out);
        directory(ROOT, "");
        for (int i = 0; i < directories; i++) directory(ROOT + 1 + i, String.format("dir%07d", i));
        for (int i = 0; i < count; i++)
            file(ROOT + 1 + directories + i, String.format("f%09d", i), i);
        end("INODE", from);
        from = out.count;
        entry(ROOT, ROOT + 1, directories);
        for (int i = 0; i < directories; i++) {
            int first = i * PER_DIRECTORY;
            entry(ROOT + 1 + i, ROOT + 1 + directories + first,
                    Math.min(PER_DIRECTORY, count - first));
        }
        end("INODE_DIR", from);
        from = out.count;
        StringTableSection.newBuilder().setNumEntry(2).build().writeDelimitedTo(out);
        StringTableSection.Entry.newBuilder().setId(1).setStr("hdfs").build().writeDelimitedTo(out);
        StringTableSection.Entry.newBuilder().setId(2).setStr("supergroup").build()
                .writeDelimitedTo(out);
        end("STRING_TABLE", from);
    }

    static void directory(long id, String name) throws IOException {
        INodeSection.INodeDirectory directory = INodeSection.INodeDirectory.newBuilder()
                .setModificationTime(TIME)
                .setNsQuota(id == ROOT ? Long.MAX_VALUE : -1).setDsQuota(-1)
                .setPermission(PERMISSION | 0755).build();
        INodeSection.INode.newBuilder().setType(INodeSection.INode.Type.DIRECTORY).setId(id)
                .setName(ByteString.copyFromUtf8(name)).setDirectory(directory).build()
                .writeDelimitedTo(out);
    }

    static void file(long id, String name, int number) throws IOException {
        BlockProto block = BlockProto.newBuilder().setBlockId(FIRST_BLOCK + 1 + number)
                .setGenStamp(1001).setNumBytes(1000).build();
        INodeSection.INodeFile file = INodeSection.INodeFile.newBuilder().setReplication(3)
                .setModificationTime(TIME)
                .setAccessTime(TIME).setPreferredBlockSize(128 << 20)
                .setPermission(PERMISSION | 0644).addBlocks(block).build();
        INodeSection.INode.newBuilder().setType(INodeSection.INode.Type.FILE).setId(id)
                .setName(ByteString.copyFromUtf8(name)).setFile(file).build().writeDelimitedTo(out);
    }

    static void entry(long parent, long first, int count) throws IOException {
        DirEntry.Builder entry = DirEntry.newBuilder().setParent(parent);
        for (int i = 0; i < count; i++) entry.addChildren(first + i);
        entry.build().writeDelimitedTo(out);
    }
}
