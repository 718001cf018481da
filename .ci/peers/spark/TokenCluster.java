// A cluster manager for `--master local-tokens`: Spark's own local cluster (a master, two workers
// and executors in processes of their own) with delegation tokens, which Spark hands out on YARN
// and Kubernetes only. It switches on Spark's token manager as other cluster managers do.
import org.apache.spark.SparkContext;
import org.apache.spark.deploy.LocalSparkCluster;
import org.apache.spark.deploy.security.HadoopDelegationTokenManager;
import org.apache.spark.scheduler.ExternalClusterManager;
import org.apache.spark.scheduler.SchedulerBackend;
import org.apache.spark.scheduler.TaskScheduler;
import org.apache.spark.scheduler.TaskSchedulerImpl;
import org.apache.spark.scheduler.cluster.StandaloneSchedulerBackend;
import scala.Option;
import scala.runtime.BoxedUnit;

public class TokenCluster implements ExternalClusterManager {
    @Override
    public boolean canCreate(String master) {
        return master.equals("local-tokens");
    }

    @Override
    public TaskScheduler createTaskScheduler(SparkContext context, String master) {
        return new TaskSchedulerImpl(context);
    }

    @Override
    public SchedulerBackend createSchedulerBackend(SparkContext context, String master,
            TaskScheduler scheduler) {
        LocalSparkCluster cluster = LocalSparkCluster.apply(2, 1, 1024, context.conf());
        Backend backend = new Backend((TaskSchedulerImpl) scheduler, context, cluster.start());
        backend.shutdownCallback_$eq(ended -> {
            cluster.stop();
            return BoxedUnit.UNIT;
        });
        return backend;
    }

    @Override
    public void initialize(TaskScheduler scheduler, SchedulerBackend backend) {
        ((TaskSchedulerImpl) scheduler).initialize(backend);
    }

    static class Backend extends StandaloneSchedulerBackend {
        private final SparkContext context;

        Backend(TaskSchedulerImpl scheduler, SparkContext context, String[] masters) {
            super(scheduler, context, masters);
            this.context = context;
        }

        @Override
        public Option<HadoopDelegationTokenManager> createTokenManager() {
            return Option.apply(new HadoopDelegationTokenManager(context.conf(),
                    context.hadoopConfiguration(), driverEndpoint()));
        }
    }
}
