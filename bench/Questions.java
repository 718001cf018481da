// Asks a NameNode with the image of BigImage.java: Questions COUNT. Prints a line for each kind of
// question: its name and the milliseconds that one takes. All are asked once before, to warm both
// machines up.
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.hdfs.protocol.ClientProtocol;
import org.apache.hadoop.hdfs.protocol.DirectoryListing;
import org.apache.hadoop.hdfs.protocol.HdfsFileStatus;

public class Questions {
    static final int PER_DIRECTORY = 1000, CALLERS = 8;
    static int count;
    static ClientProtocol nn;

    interface Question { void ask(Random random) throws Exception; }

    public static void main(String[] args) throws Exception {
        count = Integer.parseInt(args[0]);
        try (FileSystem fs = FileSystem.get(new Configuration())) {
            nn = ((DistributedFileSystem) fs).getClient().getNamenode();
            for (boolean counts : new boolean[]{false, true}) {
                report(counts, "getFileInfo", 20_000, 1, Questions::fileInfo);
                report(counts, "getFileInfo-by-" + CALLERS, 80_000, CALLERS, Questions::fileInfo);
                report(counts, "listing-of-" + PER_DIRECTORY, 400, 1, Questions::listing);
                report(counts, "du", 3, 1, random -> nn.getContentSummary("/"));
            }
        }
    }

    static String directory(int number) {
        return String.format("/dir%07d", number / PER_DIRECTORY);
    }

    static void fileInfo(Random random) throws Exception {
        int number = random.nextInt(count);
        String path = directory(number) + String.format("/f%09d", number);
        if (nn.getFileInfo(path) == null) throw new IllegalStateException(path + " is missing");
    }

    static void listing(Random random) throws Exception {
        byte[] after = HdfsFileStatus.EMPTY_NAME;
        String path = directory(random.nextInt(count));
        DirectoryListing page;
        do {
            page = nn.getListing(path, after, false);
            after = page.getLastName();
        } while (page.hasMore());
    }

    static void report(boolean counts, String name, int times, int callers, Question question)
            throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(callers);
        long from = System.nanoTime();
        List<Future<Void>> all = new ArrayList<>();
        for (int caller = 0; caller < callers; caller++) {
            Random random = new Random(caller);
            all.add(pool.submit((Callable<Void>) () -> {
                for (int i = 0; i < times / callers; i++) question.ask(random);
                return null;
            }));
        }
        for (Future<Void> one : all) one.get();
        if (counts) System.out.printf("%s %.4f%n", name, (System.nanoTime() - from) / 1e6 / times);
        pool.shutdown();
    }
}
