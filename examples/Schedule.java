import java.time.Instant;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/** A service with a task for every six hours, which knows nothing of Kerbox. Ends after 8 days. */
class Schedule {
    public static void main(String[] arguments) throws Exception {
        var executor = Executors.newScheduledThreadPool(1);
        executor.scheduleAtFixedRate(
                () -> System.out.println(Instant.now() + " refresh"), 6, 6, TimeUnit.HOURS);
        System.out.println("ready");
        Thread.sleep(TimeUnit.DAYS.toMillis(8) + 60_000);
        executor.shutdown();
    }
}
