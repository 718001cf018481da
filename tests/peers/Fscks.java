import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FsShell;
import org.apache.hadoop.hdfs.HdfsConfiguration;
import org.apache.hadoop.hdfs.tools.DFSck;
import org.apache.hadoop.security.UserGroupInformation;
import org.apache.hadoop.util.ToolRunner;
import java.util.Arrays;

/**
 * Runs "hdfs fsck" commands in one JVM. Reads one command per line, words separated by tabs; prints
 * "=> STATUS" on a line after each. A command that begins with "fs" is one of "hadoop fs".
 */
public class Fscks {
    public static void main(String[] arguments) throws Exception {
        Configuration configuration = new HdfsConfiguration();
        UserGroupInformation.setConfiguration(configuration);
        BufferedReader lines = new BufferedReader(
                new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = lines.readLine()) != null;) {
            String[] words = line.split("\t");
            int status;
            try {
                status = words[0].equals("fs")
                        ? ToolRunner.run(configuration, new FsShell(),
                                Arrays.copyOfRange(words, 1, words.length))
                        : ToolRunner.run(configuration, new DFSck(configuration), words);
            } catch (Exception refused) {
                refused.printStackTrace(System.out);
                status = 1;
            }
            System.out.println("=> " + status);
            System.out.flush();
        }
    }
}
