import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** Runs a task every six hours for eight days; prints "day DAY TASKS" every day. */
class Schedules {
    public static void main(String[] arguments) throws Exception {
        var tasks = new AtomicInteger();
        var executor = Executors.newScheduledThreadPool(1);
        executor.scheduleAtFixedRate(tasks::incrementAndGet, 6, 6, TimeUnit.HOURS);
        System.out.println("ready");
        // Half an hour later than every fourth task.
        Thread.sleep(1_800_000);
        for (int day = 1; day <= 8; day++) {
            Thread.sleep(24 * 3_600_000);
            System.out.println("day " + day + " " + tasks);
        }
        executor.shutdown();
    }
}
