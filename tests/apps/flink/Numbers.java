import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.BitSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.serialization.SimpleStringEncoder;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExternalizedCheckpointRetention;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.SecurityOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.connector.datagen.source.GeneratorFunction;
import org.apache.flink.connector.file.sink.FileSink;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.fs.Path;
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.apache.flink.runtime.jobgraph.SavepointRestoreSettings;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.runtime.security.SecurityConfiguration;
import org.apache.flink.runtime.security.SecurityUtils;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.filesystem.bucketassigners.BasePathBucketAssigner;
import org.apache.flink.streaming.api.functions.sink.filesystem.rollingpolicies.DefaultRollingPolicy;
import org.apache.hadoop.fs.FileStatus;

/**
 * A job that writes the numbers below N into files, each once, whatever fails meanwhile:
 * Numbers PRINCIPAL KEYTAB BASE N run|count. `run` goes on from the newest checkpoint below BASE.
 */
public class Numbers {
    private static final AtomicLong SEEN = new AtomicLong();
    private static final int TASK_MANAGERS = 2;

    public static void main(String[] arguments) throws Exception {
        Configuration configuration = new Configuration();
        configuration.set(SecurityOptions.KERBEROS_LOGIN_PRINCIPAL, arguments[0]);
        configuration.set(SecurityOptions.KERBEROS_LOGIN_KEYTAB, arguments[1]);
        configuration.set(SecurityOptions.KERBEROS_LOGIN_USETICKETCACHE, false);
        FileSystem.initialize(configuration, null);
        SecurityUtils.install(new SecurityConfiguration(configuration));
        String base = arguments[2];
        int numbers = Integer.parseInt(arguments[3]);
        SecurityUtils.getInstalledContext().runSecured(() -> {
            if (arguments[4].equals("run")) {
                run(configuration, base, numbers);
            } else {
                count(base, numbers);
            }
            return null;
        });
        System.exit(0);
    }

    private static void run(Configuration configuration, String base, int numbers)
            throws Exception {
        configuration.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, base + "/checkpoints");
        configuration.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofMillis(500));
        configuration.set(CheckpointingOptions.EXTERNALIZED_CHECKPOINT_RETENTION,
                ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION);
        configuration.set(CheckpointingOptions.FS_SMALL_FILE_THRESHOLD, MemorySize.ZERO);
        configuration.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
        configuration.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS, 100);
        configuration.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY,
                Duration.ofMillis(200));
        configuration.set(RestOptions.BIND_PORT, "0");
        configuration.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.ofMebiBytes(8));
        configuration.set(TaskManagerOptions.NETWORK_MEMORY_MIN, MemorySize.ofMebiBytes(16));
        configuration.set(TaskManagerOptions.NETWORK_MEMORY_MAX, MemorySize.ofMebiBytes(16));
        MiniClusterConfiguration setup = new MiniClusterConfiguration.Builder()
                .setConfiguration(configuration)
                .setNumTaskManagers(TASK_MANAGERS).setNumSlotsPerTaskManager(1).build();
        try (MiniCluster cluster = new MiniCluster(setup)) {
            cluster.start();
            JobGraph job = job(configuration, base, numbers);
            Path newest = newestCheckpoint(base);
            if (newest != null) {
                job.setSavepointRestoreSettings(
                        SavepointRestoreSettings.forPath(newest.toString()));
            }
            System.out.println("from " + newest);
            JobID id = cluster.submitJob(job).get().getJobID();
            CompletableFuture.runAsync(() -> loseTaskManager(cluster, numbers / 5));
            cluster.requestJobResult(id).get().toJobExecutionResult(Numbers.class.getClassLoader());
            System.out.println("finished");
        }
    }

    private static JobGraph job(Configuration configuration, String base, int numbers) {
        StreamExecutionEnvironment job = StreamExecutionEnvironment
                .getExecutionEnvironment(configuration);
        job.setParallelism(TASK_MANAGERS);
        GeneratorFunction<Long, Long> same = number -> number;
        DataGeneratorSource<Long> source = new DataGeneratorSource<>(same, numbers,
                RateLimiterStrategy.perSecond(numbers / 25.0), Types.LONG);
        // Files stay open over several checkpoints: after a failure they are cut back to the last
        // one.
        FileSink<String> sink = FileSink
                .forRowFormat(new Path(base + "/out"), new SimpleStringEncoder<String>())
                .withBucketAssigner(new BasePathBucketAssigner<>())
                .withRollingPolicy(
                        DefaultRollingPolicy.builder().withMaxPartSize(MemorySize.parse("256kb"))
                                .withRolloverInterval(Duration.ofSeconds(60))
                                .withInactivityInterval(Duration.ofSeconds(60)).build())
                .build();
        job.fromSource(source, WatermarkStrategy.noWatermarks(), "numbers")
                .map(new Failing(numbers / 8)).sinkTo(sink);
        return job.getStreamGraph().getJobGraph();
    }

    /** Passes numbers on, and fails now and then. */
    private static class Failing extends RichMapFunction<Long, String> {
        private final long distance;

        Failing(long distance) {
            this.distance = distance;
        }

        @Override
        public String map(Long number) {
            long seen = SEEN.incrementAndGet();
            if (seen % 1000 == 0) {
                System.out.println("seen " + seen);
            }
            if (seen % distance == 0) {
                System.out.println("failing at " + seen);
                throw new IllegalStateException("on purpose, after " + seen + " numbers");
            }
            return Long.toString(number);
        }
    }

    private static void loseTaskManager(MiniCluster cluster, long seen) {
        try {
            while (SEEN.get() < seen) {
                Thread.sleep(50);
            }
            cluster.terminateTaskManager(0).get();
            cluster.startTaskManager();
            System.out.println("lost a task manager");
        } catch (Exception error) {
            error.printStackTrace();
        }
    }

    private static Path newestCheckpoint(String base) throws Exception {
        Path root = new Path(base + "/checkpoints");
        FileSystem files = root.getFileSystem();
        if (!files.exists(root)) {
            return null;
        }
        Path newest = null;
        long when = 0;
        for (org.apache.flink.core.fs.FileStatus job : files.listStatus(root)) {
            for (org.apache.flink.core.fs.FileStatus checkpoint : files.listStatus(job.getPath())) {
                Path metadata = new Path(checkpoint.getPath(), "_metadata");
                if (checkpoint.getPath().getName().startsWith("chk-") && files.exists(metadata)
                        && files.getFileStatus(metadata).getModificationTime() > when) {
                    when = files.getFileStatus(metadata).getModificationTime();
                    newest = checkpoint.getPath();
                }
            }
        }
        return newest;
    }

    /** Counts what readers see: files in progress have names that begin with a dot. */
    private static void count(String base, int numbers) throws Exception {
        org.apache.hadoop.fs.Path out = new org.apache.hadoop.fs.Path(base + "/out");
        org.apache.hadoop.fs.FileSystem files = out
                .getFileSystem(new org.apache.hadoop.conf.Configuration());
        BitSet found = new BitSet(numbers);
        int lines = 0;
        int parts = 0;
        for (FileStatus part : files.listStatus(out)) {
            if (part.getPath().getName().startsWith(".")) {
                continue;
            }
            parts++;
            try (BufferedReader in = new BufferedReader(
                    new InputStreamReader(files.open(part.getPath())))) {
                for (String line; (line = in.readLine()) != null;) {
                    lines++;
                    found.set(Integer.parseInt(line));
                }
            }
        }
        System.out.println(
                "numbers " + lines + " distinct " + found.cardinality() + " files " + parts);
    }
}
