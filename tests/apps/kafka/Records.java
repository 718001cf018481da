import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;
import org.apache.hadoop.security.UserGroupInformation;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.data.IcebergGenerics;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.hadoop.HadoopCatalog;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.types.Types;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.connect.cli.ConnectStandalone;

/**
 * A topic of numbered records, and the table that Kafka Connect writes from it. The commands:
 * login PRINCIPAL KEYTAB FILE... (a worker, logged in from a keytab), make BROKER WAREHOUSE,
 * produce BROKER FROM TO SECONDS, watch WAREHOUSE, count WAREHOUSE N.
 */
public class Records {
    private static final String TOPIC = "records";
    private static final TableIdentifier NAME = TableIdentifier.of("db", "records");

    public static void main(String[] arguments) throws Exception {
        switch (arguments[0]) {
            case "login":
                UserGroupInformation.setConfiguration(new Configuration());
                UserGroupInformation.loginUserFromKeytab(arguments[1], arguments[2]);
                ConnectStandalone.main(List.of(arguments).subList(3, arguments.length)
                        .toArray(String[]::new));
                break;
            case "make":
                make(arguments[1], arguments[2]);
                break;
            case "produce":
                produce(arguments[1], Integer.parseInt(arguments[2]),
                        Integer.parseInt(arguments[3]), Integer.parseInt(arguments[4]));
                break;
            case "watch":
                watch(load(arguments[1]));
                break;
            case "count":
                count(load(arguments[1]), Integer.parseInt(arguments[2]));
                break;
            default:
                throw new IllegalArgumentException(arguments[0]);
        }
    }

    private static HadoopCatalog catalog(String warehouse) {
        return new HadoopCatalog(new Configuration(), warehouse);
    }

    private static Table load(String warehouse) {
        return catalog(warehouse).loadTable(NAME);
    }

    private static void make(String broker, String warehouse) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker))) {
            admin.createTopics(List.of(new NewTopic(TOPIC, 3, (short) 1),
                    new NewTopic("control-iceberg", 1, (short) 1))).all().get();
        }
        catalog(warehouse).createTable(NAME, new Schema(
                Types.NestedField.required(1, "number", Types.LongType.get()),
                Types.NestedField.required(2, "text", Types.StringType.get())));
        System.out.println("made");
    }

    private static String text(long number) {
        return String.format("%0100d", 7919 * number + 13);
    }

    /** Sends numbers, evenly, and prints how many the broker has acknowledged. */
    private static void produce(String broker, int from, int to, int seconds) throws Exception {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", broker);
        properties.put("acks", "all");
        properties.put("key.serializer", StringSerializer.class.getName());
        properties.put("value.serializer", StringSerializer.class.getName());
        AtomicInteger acknowledged = new AtomicInteger();
        long start = System.nanoTime();
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(properties)) {
            for (int number = from; number < to; number++) {
                String key = Integer.toString(number);
                String json = "{\"number\":" + number + ",\"text\":\"" + text(number) + "\"}";
                producer.send(new ProducerRecord<>(TOPIC, key, json), (metadata, error) -> {
                    if (error == null) {
                        acknowledged.incrementAndGet();
                    } else {
                        error.printStackTrace();
                    }
                });
                long due = start + (long) (seconds * 1e9 / (to - from) * (number - from));
                while (System.nanoTime() < due) {
                    Thread.sleep(5);
                }
            }
        }
        System.out.println("acknowledged " + acknowledged);
    }

    /** Prints the number of the table's rows, again and again. */
    private static void watch(Table table) throws Exception {
        for (;;) {
            table.refresh();
            Snapshot snapshot = table.currentSnapshot();
            System.out.println("rows "
                    + (snapshot == null ? "0" : snapshot.summary().get("total-records")));
            Thread.sleep(500);
        }
    }

    private static void count(Table table, int records) throws Exception {
        BitSet found = new BitSet(records);
        int rows = 0;
        int wrong = 0;
        try (CloseableIterable<Record> all = IcebergGenerics.read(table).build()) {
            for (Record row : all) {
                long number = (Long) row.getField("number");
                rows++;
                found.set((int) number);
                wrong += text(number).equals(row.getField("text")) ? 0 : 1;
            }
        }
        int snapshots = 0;
        for (Snapshot snapshot : table.snapshots()) {
            snapshots++;
        }
        System.out.println(
                "rows " + rows + " distinct " + found.cardinality() + " wrong " + wrong);
        System.out.println("snapshots " + snapshots + " " + files(table));
    }

    /** Returns how many files the table has, and how many others a killed worker has left. */
    private static String files(Table table) throws Exception {
        Set<String> known = new HashSet<>();
        try (CloseableIterable<FileScanTask> tasks = table.newScan().planFiles()) {
            tasks.forEach(task -> known.add(new Path(task.file().location()).getName()));
        }
        Path data = new Path(table.location(), "data");
        FileSystem files = data.getFileSystem(new Configuration());
        int left = 0;
        RemoteIterator<LocatedFileStatus> all = files.listFiles(data, true);
        while (all.hasNext()) {
            left += known.contains(all.next().getPath().getName()) ? 0 : 1;
        }
        return "files " + known.size() + " left " + left;
    }
}
