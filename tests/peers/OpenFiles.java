import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.security.UserGroupInformation;

/**
 * Files that are deleted or replaced while they are written, and users who act for other users.
 * Reads one command per line, words separated by tabs; prints "=> STATUS" on a line after each.
 * "delete PATH" and "replace PATH" write a file, let another client delete or replace it, and close
 * it.
 * "proxy USER PATH" requests the status of PATH as HADOOP_PROXY_USER=USER does.
 */
public class OpenFiles {
    public static void main(String[] arguments) throws Exception {
        Configuration configuration = new Configuration();
        UserGroupInformation.setConfiguration(configuration);
        BufferedReader lines = new BufferedReader(
                new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = lines.readLine()) != null;) {
            int status = 0;
            try {
                command(configuration, line.split("\t"));
            } catch (Exception refused) {
                System.out.println(refused);
                status = 1;
            }
            System.out.println("=> " + status);
            System.out.flush();
        }
    }

    private static void command(Configuration configuration, String[] words) throws Exception {
        if (words[0].equals("proxy")) {
            UserGroupInformation user = UserGroupInformation.createProxyUser(words[1],
                    UserGroupInformation.getLoginUser());
            user.doAs((java.security.PrivilegedExceptionAction<Object>) () -> FileSystem
                    .newInstance(configuration).getFileStatus(new Path(words[2])));
            return;
        }
        Path path = new Path(words[1]);
        FileSystem writer = FileSystem.newInstance(configuration);
        FileSystem other = FileSystem.newInstance(configuration);
        FSDataOutputStream out = writer.create(path);
        out.write(new byte[200_000]);
        out.hflush();
        if (words[0].equals("delete")) {
            other.delete(path, false);
        } else {
            other.create(path, true).close();
        }
        out.close();
    }
}
