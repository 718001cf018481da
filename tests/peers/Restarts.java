import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hdfs.tools.DFSAdmin;
import org.apache.hadoop.security.UserGroupInformation;
import org.apache.hadoop.util.ToolRunner;

/**
 * A client that lives while servers are restarted. Reads one command per line, words separated by
 * tabs; prints "=> STATUS" on a line after each.
 * "create PATH" opens a file; "write N" writes N bytes and flushes; "close" closes it.
 * "read PATH" prints the length of a file and whether its bytes are those that "write" writes.
 * "mkdirs PATH" makes a directory. "admin ARGUMENT..." is `hdfs dfsadmin`.
 */
public class Restarts {
    private static FSDataOutputStream out;
    private static long written;

    public static void main(String[] arguments) throws Exception {
        Configuration configuration = new Configuration();
        UserGroupInformation.setConfiguration(configuration);
        FileSystem files = FileSystem.get(configuration);
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = lines.readLine()) != null;) {
            int status = 0;
            try {
                status = command(configuration, files, line.split("\t"));
            } catch (Exception refused) {
                System.out.println(refused);
                status = 1;
            }
            System.out.println("=> " + status);
            System.out.flush();
        }
    }

    private static int command(Configuration configuration, FileSystem files, String[] words) throws Exception {
        switch (words[0]) {
            case "create":
                out = files.create(new Path(words[1]));
                written = 0;
                return 0;
            case "write":
                for (int left = Integer.parseInt(words[1]); left > 0; left--) {
                    out.write(content(written++));
                }
                out.hflush();
                return 0;
            case "close":
                out.close();
                return 0;
            case "read":
                read(files, new Path(words[1]));
                return 0;
            case "mkdirs":
                return files.mkdirs(new Path(words[1])) ? 0 : 1;
            default:
                return ToolRunner.run(configuration, new DFSAdmin(), Arrays.copyOfRange(words, 1, words.length));
        }
    }

    private static void read(FileSystem files, Path path) throws Exception {
        long length = 0;
        boolean same = true;
        try (FSDataInputStream in = files.open(path)) {
            for (int read; (read = in.read()) >= 0; length++) {
                same &= read == content(length);
            }
        }
        System.out.println(length + (same ? " same" : " changed"));
    }

    private static int content(long position) {
        return (int) (position * 31 >> 3) & 0xff;
    }
}
