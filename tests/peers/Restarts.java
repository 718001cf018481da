import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Comparator;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.hdfs.protocol.DatanodeInfo;
import org.apache.hadoop.hdfs.tools.DFSAdmin;
import org.apache.hadoop.security.UserGroupInformation;
import org.apache.hadoop.util.ToolRunner;

/**
 * A client that lives while servers are restarted. Reads one command per line, words separated by
 * tabs; prints "=> STATUS" on a line after each.
 * "replication N" sets the number of replicas of the files that "create" opens later.
 * "create PATH" opens a file; "write N" writes N bytes and flushes; "close" closes it.
 * "read PATH" prints the length of a file and whether its bytes are those that "write" writes.
 * "recover PATH" takes the lease of a file away from its writer, and prints whether it is closed.
 * "recovered PATH" does so, and waits until it is closed.
 * "latest PORT true" waits until the DataNode at a port has sent the latest heartbeat of all;
 * "latest PORT false", until another has.
 * "missing PATH" waits until nobody has the first block of a file.
 * "policy PATH NAME" sets a storage policy. "delete PATH" and "rename FROM TO" print their answers.
 * "mkdirs PATH" makes a directory. "admin ARGUMENT..." is `hdfs dfsadmin`.
 */
public class Restarts {
    private static FSDataOutputStream out;
    private static long written;
    private static short replicas;

    public static void main(String[] arguments) throws Exception {
        Configuration configuration = new Configuration();
        UserGroupInformation.setConfiguration(configuration);
        FileSystem files = FileSystem.get(configuration);
        BufferedReader lines = new BufferedReader(
                new InputStreamReader(System.in, StandardCharsets.UTF_8));
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

    private static int command(Configuration configuration, FileSystem files, String[] words)
            throws Exception {
        switch (words[0]) {
            case "create":
                short replication = replicas > 0 ? replicas
                        : files.getDefaultReplication(new Path(words[1]));
                out = files.create(new Path(words[1]), true, 4096, replication,
                        files.getDefaultBlockSize(new Path(words[1])));
                written = 0;
                return 0;
            case "replication":
                replicas = Short.parseShort(words[1]);
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
            case "recover":
                System.out
                        .println(((DistributedFileSystem) files).recoverLease(new Path(words[1])));
                return 0;
            case "recovered":
                for (int left = 300; !((DistributedFileSystem) files)
                        .recoverLease(new Path(words[1])); left--) {
                    if (left == 0) {
                        throw new java.io.IOException(words[1] + " is not closed within a minute");
                    }
                    Thread.sleep(200);
                }
                return 0;
            case "latest":
                boolean wanted = Boolean.parseBoolean(words[2]);
                for (int left = 1200; latest(files).equals(words[1]) != wanted; left--) {
                    if (left == 0) {
                        throw new java.io.IOException(
                                latest(files) + " sends the latest after a minute");
                    }
                    Thread.sleep(50);
                }
                return 0;
            case "missing":
                for (int left = 300; files.getFileBlockLocations(new Path(words[1]), 0, 1)[0]
                        .getHosts().length > 0; left--) {
                    if (left == 0) {
                        throw new java.io.IOException(words[1] + " is not missing after a minute");
                    }
                    Thread.sleep(200);
                }
                return 0;
            case "policy":
                files.setStoragePolicy(new Path(words[1]), words[2]);
                return 0;
            case "delete":
                System.out.println(files.delete(new Path(words[1]), false));
                return 0;
            case "rename":
                System.out.println(files.rename(new Path(words[1]), new Path(words[2])));
                return 0;
            case "mkdirs":
                return files.mkdirs(new Path(words[1])) ? 0 : 1;
            default:
                return ToolRunner.run(configuration, new DFSAdmin(),
                        Arrays.copyOfRange(words, 1, words.length));
        }
    }

    /** Returns the port of the DataNode that the NameNode has heard of last. */
    private static String latest(FileSystem files) throws Exception {
        DatanodeInfo[] nodes = ((DistributedFileSystem) files).getDataNodeStats();
        Comparator<DatanodeInfo> heard = Comparator
                .comparingLong(DatanodeInfo::getLastUpdateMonotonic);
        return String.valueOf(Arrays.stream(nodes).max(heard).get().getXferPort());
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
