import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.crypto.CryptoProtocolVersion;
import org.apache.hadoop.fs.CreateFlag;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.hdfs.protocol.ClientProtocol;
import org.apache.hadoop.hdfs.protocol.SnapshotDiffReportListing;
import org.apache.hadoop.io.EnumSetWritable;

/**
 * One step of a benchmark of snapshots; prints its milliseconds.
 * Arguments: the step (fill, snapshot NAME, change, diff, pages, summary, delete NAME), the number
 * of files, and the name.
 */
public class Million {
    static final String TOP = "/million";
    static final int IN_FLIGHT = 16, IN_ONE = 1000;
    static ClientProtocol nn;

    public static void main(String[] arguments) throws Exception {
        int files = Integer.parseInt(arguments[1]);
        try (FileSystem fs = FileSystem.newInstance(new Configuration())) {
            nn = ((DistributedFileSystem) fs).getClient().getNamenode();
            nn.getFileInfo("/");
            long start = System.nanoTime();
            switch (arguments[0]) {
                case "fill":
                    fill(files);
                    break;
                case "snapshot":
                    nn.createSnapshot(TOP, arguments[2]);
                    break;
                case "change":
                    change(files);
                    break;
                case "diff":
                    check(files, nn.getSnapshotDiffReport(TOP, "s1", "s2").getDiffList().size());
                    break;
                case "pages":
                    check(files, pages());
                    break;
                case "summary":
                    nn.getContentSummary(TOP);
                    break;
                case "delete":
                    nn.deleteSnapshot(TOP, arguments[2]);
                    break;
                default:
                    throw new IllegalArgumentException(arguments[0]);
            }
            System.out.printf("%.1f%n", (System.nanoTime() - start) / 1e6);
        }
    }

    static String path(int file) { return TOP + "/d" + file / IN_ONE + "/f" + file % IN_ONE; }

    interface Step { void make(int number) throws Exception; }

    static void all(int from, int to, Step step) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(IN_FLIGHT);
        List<Future<Object>> parts = new ArrayList<>();
        for (int thread = 0; thread < IN_FLIGHT; thread++) {
            int first = from + thread;
            parts.add(pool.submit((Callable<Object>) () -> {
                for (int i = first; i < to; i += IN_FLIGHT) step.make(i);
                return null;
            }));
        }
        for (Future<Object> part : parts) part.get();
        pool.shutdown();
    }

    static void create(String path) throws Exception {
        nn.create(path, new FsPermission((short) 0644), "million",
                new EnumSetWritable<>(EnumSet.of(CreateFlag.CREATE)), true, (short) 1, 1 << 27,
                new CryptoProtocolVersion[0], null, null);
        nn.complete(path, "million", null, 0);
    }

    static void fill(int files) throws Exception {
        nn.mkdirs(TOP, new FsPermission((short) 0755), true);
        all(0, files, i -> create(path(i)));
        nn.allowSnapshot(TOP);
        // The first one loads classes.
        nn.createSnapshot(TOP, "warm-up");
        nn.deleteSnapshot(TOP, "warm-up");
    }

    /** Changes one file of a hundred: half get another mode, a quarter goes, and as many come. */
    static void change(int files) throws Exception {
        int changed = files / 100;
        all(0, changed, i -> {
            if (i % 4 < 2) nn.setPermission(path(i * 100), new FsPermission((short) 0600));
            else if (i % 4 == 2) nn.delete(path(i * 100), false);
            else create(path(i * 100) + "-new");
        });
    }

    static int pages() throws Exception {
        int found = 0;
        SnapshotDiffReportListing page = nn.getSnapshotDiffReportListing(TOP, "s1", "s2",
                new byte[0], -1);
        while (true) {
            found += page.getModifyList().size() + page.getCreateList().size()
                    + page.getDeleteList().size();
            if (page.getLastIndex() == -1 && page.getLastPath().length == 0) return found;
            page = nn.getSnapshotDiffReportListing(TOP, "s1", "s2", page.getLastPath(),
                    page.getLastIndex());
        }
    }

    static void check(int files, int found) {
        if (found < files / 100)
            throw new IllegalStateException("a difference of " + found + " entries");
    }
}
