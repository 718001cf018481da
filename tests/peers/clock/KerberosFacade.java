import java.io.Closeable;
import java.io.IOException;
import java.security.PrivilegedExceptionAction;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.security.UserGroupInformation;

/**
 * A login that requests a new ticket on a schedule, as people wrote it for services on Hadoop.
 * Runs jobs for eight days and prints "refreshes N jobs N failures N".
 */
public class KerberosFacade implements Closeable {
    private final ScheduledExecutorService refresher = Executors.newSingleThreadScheduledExecutor();
    private final AtomicInteger refreshes = new AtomicInteger();
    private final AtomicInteger failures = new AtomicInteger();
    private final String user;
    private final String keytab;
    private final int hours;
    private volatile UserGroupInformation login;
    private volatile ScheduledFuture<?> renewal;

    KerberosFacade(String user, String keytab, int hours) {
        this.user = user;
        this.keytab = keytab;
        this.hours = hours;
    }

    public void login() throws IOException {
        login = UserGroupInformation.loginUserFromKeytabAndReturnUGI(user, keytab);
        renewal = refresher.scheduleAtFixedRate(() -> {
            try {
                login.reloginFromKeytab();
                refreshes.incrementAndGet();
            } catch (Exception e) {
                onFailure(e);
            }
        }, hours, hours, TimeUnit.HOURS);
    }

    public <T> T doAs(PrivilegedExceptionAction<T> action) throws Exception {
        return login.doAs(action);
    }

    protected void onFailure(Exception e) {
        failures.incrementAndGet();
        e.printStackTrace();
    }

    @Override
    public void close() {
        renewal.cancel(false);
        refresher.shutdown();
    }

    public static void main(String[] arguments) throws Exception {
        Configuration configuration = new Configuration();
        UserGroupInformation.setConfiguration(configuration);
        int jobs = 0;
        try (KerberosFacade facade = new KerberosFacade(arguments[0], arguments[1], 6)) {
            facade.login();
            System.out.println("ready");
            System.out.flush();
            Path path = new Path(arguments[2]);
            // Three jobs between two refreshes, for eight days and half an hour.
            Thread.sleep(1_800_000);
            for (int count = 0; count < 96; count++) {
                Thread.sleep(2 * 3_600_000);
                try {
                    facade.doAs(() -> path.getFileSystem(configuration).listStatus(path));
                    jobs++;
                } catch (Exception e) {
                    facade.onFailure(e);
                }
            }
            System.out.println("refreshes " + facade.refreshes + " jobs " + jobs
                    + " failures " + facade.failures);
        }
        System.exit(0);
    }
}
