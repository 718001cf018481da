// SparkHourly BASE HOURS: a job that writes a folder BASE/hour-N (hdfs://...) every hour, in an
// executor. Prints "ready" after the first, "hour N failed: WHY" for each that fails, and at the
// end the counts.
import org.apache.spark.sql.SparkSession;

public class SparkHourly {
    static final long HOUR = 3_600_000;

    public static void main(String[] args) throws Exception {
        SparkSession spark = SparkSession.builder().appName("hourly").getOrCreate();
        long begun = System.currentTimeMillis();
        int hours = Integer.parseInt(args[1]), written = 0;
        for (int hour = 0; hour < hours; hour++) {
            Thread.sleep(Math.max(0, begun + hour * HOUR - System.currentTimeMillis()));
            try {
                spark.range(100).selectExpr("id", "concat('name-', id) as name").coalesce(1).write()
                        .csv(args[0] + "/hour-" + hour);
                written++;
            } catch (Exception e) {
                System.out.println("hour " + hour + " failed: " + causes(e));
            }
            if (hour == 0) System.out.println("ready");
        }
        System.out.println("written " + written + " failed " + (hours - written));
        spark.stop();
    }

    /** The messages of an exception and of its causes, in one line. */
    static String causes(Throwable e) {
        StringBuilder text = new StringBuilder();
        for (Throwable t = e; t != null; t = t.getCause())
            text.append(t.getClass().getName()).append(": ").append(t.getMessage()).append("; ");
        return text.toString().replace('\n', ' ');
    }
}
