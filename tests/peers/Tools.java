import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.security.PrivilegedExceptionAction;
import java.util.Arrays;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FsShell;
import org.apache.hadoop.hdfs.tools.DFSAdmin;
import org.apache.hadoop.hdfs.tools.snapshot.LsSnapshot;
import org.apache.hadoop.hdfs.tools.snapshot.LsSnapshottableDir;
import org.apache.hadoop.hdfs.tools.snapshot.SnapshotDiff;
import org.apache.hadoop.security.UserGroupInformation;
import org.apache.hadoop.tools.DistCp;
import org.apache.hadoop.util.Tool;
import org.apache.hadoop.util.ToolRunner;

/**
 * Runs many commands of Hadoop's command line in one JVM, which takes a second or two to start.
 * Reads one command per line, words separated by tabs: the user, or "-" for the one who is logged
 * in, the name of the tool, its arguments. Prints what it prints, also errors, and then "=> STATUS"
 * on a line.
 */
public class Tools {
    public static void main(String[] arguments) throws Exception {
        Configuration configuration = new Configuration();
        UserGroupInformation.setConfiguration(configuration);
        System.setErr(new PrintStream(System.out, true));
        BufferedReader lines = new BufferedReader(
                new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = lines.readLine()) != null;) {
            String[] words = line.split("\t");
            UserGroupInformation user = words[0].equals("-") ? UserGroupInformation.getLoginUser()
                    : UserGroupInformation.createRemoteUser(words[0]);
            int status = user.doAs((PrivilegedExceptionAction<Integer>) () -> {
                Configuration own = new Configuration();
                return ToolRunner.run(own, tool(words[1], own),
                        Arrays.copyOfRange(words, 2, words.length));
            });
            System.out.println("=> " + status);
            System.out.flush();
        }
    }

    static Tool tool(String name, Configuration configuration) throws Exception {
        switch (name) {
            case "dfs":
                return new FsShell();
            case "dfsadmin":
                return new DFSAdmin();
            case "lsSnapshot":
                return new LsSnapshot();
            case "lsSnapshottableDir":
                return new LsSnapshottableDir();
            case "snapshotDiff":
                return new SnapshotDiff();
            case "distcp":
                return new DistCp(configuration, null);
            default:
                throw new IllegalArgumentException(name);
        }
    }
}
