import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.apache.solr.client.solrj.SolrQuery;
import org.apache.solr.client.solrj.embedded.EmbeddedSolrServer;
import org.apache.solr.client.solrj.request.QueryRequest;
import org.apache.solr.client.solrj.response.QueryResponse;
import org.apache.solr.common.SolrDocument;
import org.apache.solr.common.SolrInputDocument;
import org.apache.solr.common.params.CursorMarkParams;
import org.apache.solr.common.params.ModifiableSolrParams;
import org.apache.solr.common.util.NamedList;
import org.apache.solr.core.CoreContainer;
import org.apache.solr.core.SolrCore;
import org.apache.solr.core.SolrXmlConfig;
import org.apache.solr.update.UpdateLog;

/**
 * Solr with one core, `documents`, in this process: Documents HOME COMMAND ARGUMENT...
 * The commands: index FROM TO (then waits for its end), count N, backup PLACE, restore PLACE N.
 */
public class Documents {
    private static final String CORE = "documents";
    private static final int BATCH = 100;

    public static void main(String[] arguments) {
        try {
            run(arguments);
            System.exit(0);
        } catch (Exception error) {
            error.printStackTrace();
            System.exit(1); // although threads of Solr are still there
        }
    }

    private static void run(String[] arguments) throws Exception {
        Path home = Path.of(arguments[0]);
        // Cores are loaded as Solr's servlet does it: otherwise they have a minute.
        CoreContainer container = new CoreContainer(SolrXmlConfig.fromSolrHome(home, null), true);
        container.load();
        container.waitForLoadingCoresToFinish(600_000);
        EmbeddedSolrServer solr = new EmbeddedSolrServer(container, CORE);
        replayed(container);
        switch (arguments[1]) {
            case "index":
                index(solr, Integer.parseInt(arguments[2]), Integer.parseInt(arguments[3]));
                System.out.println("indexed");
                Thread.sleep(Long.MAX_VALUE);
                break;
            case "count":
                solr.commit();
                System.out.println(count(solr, Integer.parseInt(arguments[2])));
                break;
            case "backup":
                solr.commit();
                replicate(solr, "backup", arguments[2], "details", "backup");
                break;
            case "restore":
                solr.deleteByQuery("*:*");
                solr.commit();
                System.out.println("deleted, " + count(solr, 1));
                replicate(solr, "restore", arguments[2], "restorestatus", "restorestatus");
                System.out.println(count(solr, Integer.parseInt(arguments[3])));
                break;
            default:
                throw new IllegalArgumentException(arguments[1]);
        }
        solr.close();
        container.shutdown();
    }

    /** Waits until Solr has read its log of updates again. */
    private static void replayed(CoreContainer container) throws Exception {
        try (SolrCore core = container.getCore(CORE)) {
            if (core == null) {
                throw new IllegalStateException("no core: " + container.getCoreInitFailures());
            }
            UpdateLog log = core.getUpdateHandler().getUpdateLog();
            while (log.getState() != UpdateLog.State.ACTIVE) {
                Thread.sleep(50);
            }
            System.out.println("log " + log.getClass().getName());
        }
    }

    private static String value(int number) {
        return String.format("%0100d", 7919L * number + 13);
    }

    /** A commit for every tenth batch, but not for the last five: they are in the log alone. */
    private static void index(EmbeddedSolrServer solr, int from, int to) throws Exception {
        for (int first = from; first < to; first += BATCH) {
            List<SolrInputDocument> batch = new ArrayList<>();
            for (int number = first; number < Math.min(first + BATCH, to); number++) {
                SolrInputDocument document = new SolrInputDocument();
                document.addField("id", String.format("%08d", number));
                document.addField("value", value(number));
                batch.add(document);
            }
            solr.add(batch);
            if (first / BATCH % 10 == 4) {
                solr.commit();
            }
            System.out.println("acknowledged " + Math.min(first + BATCH, to));
        }
    }

    private static String count(EmbeddedSolrServer solr, int expected) throws Exception {
        BitSet found = new BitSet(expected);
        int documents = 0;
        int wrong = 0;
        String mark = CursorMarkParams.CURSOR_MARK_START;
        for (;;) {
            SolrQuery query = new SolrQuery("*:*").setRows(2000).setSort("id", SolrQuery.ORDER.asc);
            query.set(CursorMarkParams.CURSOR_MARK_PARAM, mark);
            QueryResponse response = solr.query(query);
            for (SolrDocument document : response.getResults()) {
                int number = Integer.parseInt((String) document.getFieldValue("id"));
                documents++;
                found.set(number);
                wrong += value(number).equals(document.getFieldValue("value")) ? 0 : 1;
            }
            if (mark.equals(response.getNextCursorMark())) {
                return "documents " + documents + " distinct " + found.cardinality()
                        + " wrong " + wrong;
            }
            mark = response.getNextCursorMark();
        }
    }

    /** Starts a backup or the way back, and waits until Solr says how it ended. */
    private static void replicate(EmbeddedSolrServer solr, String command, String place,
            String asks, String answer) throws Exception {
        ModifiableSolrParams start = new ModifiableSolrParams();
        start.set("qt", "/replication").set("command", command);
        start.set("repository", "hdfs").set("location", place).set("name", "all");
        System.out.println(command + " " + solr.request(new QueryRequest(start)).get("status"));
        ModifiableSolrParams ask = new ModifiableSolrParams();
        ask.set("qt", "/replication").set("command", asks);
        for (;;) {
            Object said = solr.request(new QueryRequest(ask)).findRecursive(
                    answer.equals("backup") ? new String[]{"details", "backup"}
                            : new String[]{answer});
            String status = said instanceof NamedList
                    ? String.valueOf(((NamedList<?>) said).get("status"))
                    : "none yet";
            if (status.equalsIgnoreCase("success")) {
                System.out.println(command + " succeeded");
                return;
            }
            if (status.toLowerCase().contains("fail") || status.contains("xception")) {
                throw new IllegalStateException(command + ": " + said);
            }
            Thread.sleep(200);
        }
    }
}
