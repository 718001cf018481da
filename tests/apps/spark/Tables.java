import java.util.List;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * Several writers of a table of a lake:
 * Tables FORMAT BASE make | write WRITER INSERTS UPDATES | check.
 * FORMAT is iceberg or delta. Each writer inserts rows, 10 at a time, and adds 1 to a counter that
 * all of them share. Whoever is told that another was faster tries again.
 */
public class Tables {
    private static final int ROWS = 10;
    private static SparkSession spark;
    private static String rows;
    private static String counters;

    public static void main(String[] arguments) throws Exception {
        boolean iceberg = arguments[0].equals("iceberg");
        String base = arguments[1];
        SparkSession.Builder builder = SparkSession.builder().master("local[2]").appName("tables")
                .config("spark.ui.enabled", "false").config("spark.driver.host", "127.0.0.1")
                .config("spark.driver.bindAddress", "127.0.0.1")
                .config("spark.sql.shuffle.partitions", "1");
        if (iceberg) {
            builder.config("spark.sql.extensions",
                    "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions")
                    .config("spark.sql.catalog.lake", "org.apache.iceberg.spark.SparkCatalog")
                    .config("spark.sql.catalog.lake.type", "hadoop")
                    .config("spark.sql.catalog.lake.warehouse", base + "/iceberg");
            rows = "lake.db.rows";
            counters = "lake.db.counters";
        } else {
            builder.config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
                    .config("spark.sql.catalog.spark_catalog",
                            "org.apache.spark.sql.delta.catalog.DeltaCatalog")
                    .config("spark.databricks.delta.snapshotPartitions", "1");
            rows = "delta.`" + base + "/delta/rows`";
            counters = "delta.`" + base + "/delta/counters`";
        }
        spark = builder.getOrCreate();
        switch (arguments[2]) {
            case "make":
                make(iceberg ? "iceberg" : "delta");
                break;
            case "write":
                write(Integer.parseInt(arguments[3]), Integer.parseInt(arguments[4]),
                        Integer.parseInt(arguments[5]));
                break;
            case "check":
                check();
                break;
            default:
                throw new IllegalArgumentException(arguments[2]);
        }
        spark.stop();
    }

    private static void make(String format) {
        spark.sql("CREATE TABLE " + rows + " (writer INT, number INT) USING " + format);
        spark.sql("CREATE TABLE " + counters + " (name STRING, value INT) USING " + format);
        spark.sql("INSERT INTO " + counters + " VALUES ('all', 0)");
        System.out.println("made");
    }

    private static void write(int writer, int inserts, int updates) throws Exception {
        int inserted = 0;
        int updated = 0;
        int conflicts = 0;
        for (int i = 0; i < Math.max(inserts, updates); i++) {
            if (i < inserts) {
                StringBuilder values = new StringBuilder();
                for (int row = 0; row < ROWS; row++) {
                    values.append(row == 0 ? "" : ", ")
                            .append("(" + writer + ", " + (ROWS * i + row) + ")");
                }
                conflicts += commit("INSERT INTO " + rows + " VALUES " + values);
                inserted += ROWS;
            }
            if (i < updates) {
                conflicts += commit(
                        "UPDATE " + counters + " SET value = value + 1 WHERE name = 'all'");
                updated++;
            }
        }
        System.out.println(
                "inserted " + inserted + " updated " + updated + " conflicts " + conflicts);
    }

    /** Returns how often others were faster. Any other error ends the writer. */
    private static int commit(String statement) throws Exception {
        for (int conflicts = 0;; conflicts++) {
            try {
                spark.sql(statement);
                return conflicts;
            } catch (Exception error) {
                if (conflicts == 50 || !isConflict(error)) {
                    throw error;
                }
                System.err.println("conflict: " + error.getClass().getName());
            }
        }
    }

    /**
     * ConcurrentAppendException and others of Delta; CommitFailed- and ValidationException of
     * Iceberg.
     */
    private static boolean isConflict(Throwable error) {
        for (Throwable cause = error; cause != null; cause = cause.getCause()) {
            String name = cause.getClass().getName();
            if (name.startsWith("io.delta.exceptions.Concurrent")
                    || name.startsWith("org.apache.iceberg.exceptions.CommitFailed")
                    || name.startsWith("org.apache.iceberg.exceptions.Validation")) {
                return true;
            }
        }
        return false;
    }

    private static void check() {
        List<Row> each = spark.sql("SELECT count(*), count(DISTINCT writer, number) FROM " + rows)
                .collectAsList();
        List<Row> counter = spark.sql("SELECT value FROM " + counters).collectAsList();
        System.out.println("rows " + each.get(0).getLong(0) + " distinct " + each.get(0).getLong(1)
                + " counters "
                + counter.size() + " value " + counter.get(0).getInt(0));
    }
}
