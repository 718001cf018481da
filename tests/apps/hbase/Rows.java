import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hbase.HBaseConfiguration;
import org.apache.hadoop.hbase.TableName;
import org.apache.hadoop.hbase.client.Admin;
import org.apache.hadoop.hbase.client.ColumnFamilyDescriptorBuilder;
import org.apache.hadoop.hbase.client.Connection;
import org.apache.hadoop.hbase.client.ConnectionFactory;
import org.apache.hadoop.hbase.client.Put;
import org.apache.hadoop.hbase.client.Result;
import org.apache.hadoop.hbase.client.ResultScanner;
import org.apache.hadoop.hbase.client.Scan;
import org.apache.hadoop.hbase.client.Table;
import org.apache.hadoop.hbase.client.TableDescriptorBuilder;
import org.apache.hadoop.hbase.util.Bytes;
import org.apache.hadoop.security.UserGroupInformation;

/**
 * Writes numbered rows and counts them: Rows PRINCIPAL KEYTAB COMMAND TABLE [FROM TO].
 * The commands: create, put (rows FROM to TO, each batch until it is acknowledged), flush, count.
 */
public class Rows {
    private static final byte[] FAMILY = Bytes.toBytes("f");
    private static final byte[] COLUMN = Bytes.toBytes("c");
    private static final int BATCH = 500;

    public static void main(String[] arguments) throws Exception {
        Configuration configuration = HBaseConfiguration.create();
        UserGroupInformation.setConfiguration(configuration);
        UserGroupInformation.loginUserFromKeytab(arguments[0], arguments[1]);
        TableName name = TableName.valueOf(arguments[3]);
        try (Connection connection = ConnectionFactory.createConnection(configuration)) {
            switch (arguments[2]) {
                case "create":
                    create(connection, name);
                    break;
                case "put":
                    put(connection, name, Integer.parseInt(arguments[4]),
                            Integer.parseInt(arguments[5]));
                    break;
                case "flush":
                    try (Admin admin = connection.getAdmin()) {
                        admin.flush(name);
                    }
                    break;
                case "count":
                    count(connection, name);
                    break;
                default:
                    throw new IllegalArgumentException(arguments[2]);
            }
        }
    }

    /** Rows begin with the last digit of their number, so that all regions get some at any time. */
    private static byte[] key(int row) {
        return Bytes.toBytes(String.format("%d-%08d", row % 10, row));
    }

    /** 100 bytes that only this row has. */
    private static byte[] value(int row) {
        return Bytes.toBytes(String.format("%0100d", 7919L * row + 13));
    }

    private static void create(Connection connection, TableName name) throws Exception {
        byte[][] splits = new byte[][]{Bytes.toBytes("2"), Bytes.toBytes("4"), Bytes.toBytes("6"),
            Bytes.toBytes("8")};
        try (Admin admin = connection.getAdmin()) {
            admin.createTable(TableDescriptorBuilder.newBuilder(name)
                    .setColumnFamily(ColumnFamilyDescriptorBuilder.of(FAMILY)).build(), splits);
        }
        System.out.println("created");
    }

    private static void put(Connection connection, TableName name, int from, int to)
            throws Exception {
        int again = 0;
        try (Table table = connection.getTable(name)) {
            for (int first = from; first < to; first += BATCH) {
                List<Put> puts = new ArrayList<>();
                for (int row = first; row < Math.min(first + BATCH, to); row++) {
                    puts.add(new Put(key(row)).addColumn(FAMILY, COLUMN, value(row)));
                }
                for (;;) {
                    try {
                        table.put(puts);
                        break;
                    } catch (Exception error) {
                        again++;
                        System.err.println("again from row " + first + ": " + error);
                    }
                }
                System.out.println("acknowledged " + Math.min(first + BATCH, to));
            }
        }
        System.out.println("put " + (to - from) + " again " + again);
    }

    private static void count(Connection connection, TableName name) throws Exception {
        int rows = 0;
        int wrong = 0;
        Scan scan = new Scan().setCaching(2000);
        try (Table table = connection.getTable(name);
                ResultScanner results = table.getScanner(scan)) {
            for (Result result : results) {
                int row = Integer.parseInt(Bytes.toString(result.getRow()).substring(2));
                rows++;
                boolean right = Bytes.equals(result.getRow(), key(row))
                        && Bytes.equals(result.getValue(FAMILY, COLUMN), value(row));
                wrong += right ? 0 : 1;
            }
        }
        System.out.println("rows " + rows + " wrong " + wrong);
    }
}
