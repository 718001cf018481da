import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.StringJoiner;
import org.apache.hadoop.hive.conf.HiveConf;
import org.apache.hadoop.hive.metastore.HiveMetaStoreClient;
import org.apache.hadoop.hive.metastore.api.CompactionType;
import org.apache.hadoop.hive.metastore.api.ShowCompactResponseElement;

/**
 * A user's statements, by the ticket of KRB5CCNAME. Statements run URL STATEMENT... prints what
 * they answer. Statements write URL WRITER BATCHES inserts, changes and deletes rows in the tables
 * `lines`, `totals` and `plain`, and then waits for its end. Statements compact DATABASE TABLE
 * PARTITION... asks the Metastore for major compactions, and waits until they have been made and
 * the old files are gone.
 */
public class Statements {
    /** The rows of a batch that stay. One more is deleted again. */
    private static final int ROWS = 10;
    private static final int TRIES = 30;
    private static String url;
    private static Connection connection;
    private static int repeated;
    private static int unanswered;

    public static void main(String[] arguments) throws Exception {
        if (arguments[0].equals("compact")) {
            compact(arguments);
            return;
        }
        url = arguments[1];
        connection = connected();
        if (arguments[0].equals("run")) {
            for (int i = 2; i < arguments.length; i++) {
                System.out.print(ask(arguments[i]));
            }
            connection.close();
        } else {
            write(Integer.parseInt(arguments[2]), Integer.parseInt(arguments[3]));
            connection.close();
            System.out.println("repeated " + repeated + " unanswered " + unanswered);
            Thread.sleep(Long.MAX_VALUE);
        }
    }

    /** Waits while HiveServer2 is starting. */
    private static Connection connected() throws Exception {
        for (int tries = 0;; tries++) {
            try {
                return DriverManager.getConnection(url);
            } catch (SQLException error) {
                String refused = "Connection refused";
                if (tries == 300 || !String.valueOf(error.getMessage()).contains(refused)) {
                    throw error;
                }
                Thread.sleep(1000);
            }
        }
    }

    /** Returns the rows, each as a line. */
    private static String ask(String text) throws SQLException {
        StringBuilder lines = new StringBuilder();
        try (Statement statement = connection.createStatement()) {
            if (!statement.execute(text)) {
                return "";
            }
            ResultSet rows = statement.getResultSet();
            int columns = rows.getMetaData().getColumnCount();
            while (rows.next()) {
                StringJoiner line = new StringJoiner(" ", "", "\n");
                for (int column = 1; column <= columns; column++) {
                    line.add(rows.getString(column));
                }
                lines.append(line);
            }
        }
        return lines.toString();
    }

    private static void write(int writer, int batches) throws Exception {
        for (int batch = 1; batch <= batches; batch++) {
            String mine = " WHERE writer = " + writer + " AND batch = " + batch;
            String lines = "SELECT number FROM lines" + mine;
            once("INSERT INTO lines PARTITION (part) VALUES " + rows(writer, batch, ROWS + 1),
                    lines, 0, ROWS + 1);
            once("DELETE FROM lines" + mine + " AND number = " + ROWS, lines, ROWS + 1, ROWS);
            if (batch % 2 == 0) {
                String own = "writer" + writer;
                once("UPDATE totals SET value = value + 1, " + own + " = " + batch
                        + " WHERE name = 'all' AND " + own + " < " + batch,
                        "SELECT value FROM totals WHERE " + own + " = " + batch, 0, 1);
                once("INSERT INTO plain PARTITION (part) VALUES " + rows(writer, batch, ROWS),
                        "SELECT number FROM plain" + mine, 0, ROWS);
            }
        }
    }

    private static String rows(int writer, int batch, int count) {
        StringJoiner rows = new StringJoiner(", ");
        for (int number = 0; number < count; number++) {
            rows.add("(" + writer + ", " + batch + ", " + number + ", " + number % 2 + ")");
        }
        return rows.toString();
    }

    /**
     * Executes a statement until it is acknowledged. If it failed, or if the connection was lost,
     * the number of rows that answer `question` shows if it has been executed nevertheless: it is
     * `before` or `after`, and nothing between.
     */
    private static void once(String text, String question, int before, int after)
            throws Exception {
        for (int tries = 0;; tries++) {
            try {
                ask(text);
                System.out.println("acknowledged " + text);
                return;
            } catch (SQLException error) {
                System.out.println("failed " + text + ": " + error.getMessage());
                if (tries == TRIES) {
                    throw error;
                }
            }
            long found = found(question);
            if (found == after) {
                unanswered++;
                System.out.println("unanswered " + text);
                return;
            }
            if (found != before) {
                throw new IllegalStateException(found + " rows: " + text);
            }
            repeated++;
        }
    }

    /** Asks until there is an answer, on a connection of its own. */
    private static long found(String question) throws Exception {
        for (int tries = 0;; tries++) {
            try {
                connection.close();
            } catch (SQLException lost) {
                // Its server is gone.
            }
            connection = connected();
            try {
                return ask(question).lines().count();
            } catch (SQLException error) {
                System.out.println("failed " + question + ": " + error.getMessage());
                if (tries == TRIES) {
                    throw error;
                }
                Thread.sleep(1000);
            }
        }
    }

    private static void compact(String[] arguments) throws Exception {
        HiveMetaStoreClient metastore = new HiveMetaStoreClient(new HiveConf());
        for (int i = 3; i < arguments.length; i++) {
            metastore.compact2(arguments[1], arguments[2], arguments[i], CompactionType.MAJOR,
                    Map.of());
        }
        while (busy(metastore)) {
            Thread.sleep(500);
        }
        metastore.close();
    }

    /** A compaction is refused if the Metastore has begun the same one by itself before. */
    private static boolean busy(HiveMetaStoreClient metastore) throws Exception {
        boolean busy = false;
        for (ShowCompactResponseElement each : metastore.showCompactions().getCompacts()) {
            String state = each.getState();
            if (state.matches("failed|did not initiate|aborted")) {
                throw new IllegalStateException(String.valueOf(each));
            }
            busy |= !state.matches("succeeded|refused");
        }
        return busy;
    }
}
