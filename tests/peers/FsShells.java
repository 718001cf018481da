import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FsShell;
import org.apache.hadoop.security.UserGroupInformation;
import org.apache.hadoop.util.ToolRunner;

/**
 * Runs many "hadoop fs" commands in one JVM, which takes a second or two to start.
 * Reads one command per line, words separated by tabs; prints "=> STATUS" on a line after each.
 * "login PRINCIPAL KEYTAB" logs in from a keytab.
 */
public class FsShells {
    public static void main(String[] arguments) throws Exception {
        Configuration configuration = new Configuration();
        UserGroupInformation.setConfiguration(configuration);
        BufferedReader lines = new BufferedReader(
                new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = lines.readLine()) != null;) {
            String[] words = line.split("\t");
            int status = 0;
            if (words[0].equals("login")) {
                UserGroupInformation.loginUserFromKeytab(words[1], words[2]);
            } else {
                status = ToolRunner.run(new Configuration(), new FsShell(), words);
            }
            System.err.flush();
            System.out.println("=> " + status);
            System.out.flush();
        }
    }
}
