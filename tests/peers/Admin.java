import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.security.PrivilegedExceptionAction;
import java.util.Arrays;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.FsShell;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.hdfs.DFSInotifyEventInputStream;
import org.apache.hadoop.hdfs.client.HdfsAdmin;
import org.apache.hadoop.hdfs.inotify.Event;
import org.apache.hadoop.hdfs.inotify.EventBatch;
import org.apache.hadoop.hdfs.inotify.MissingEventsException;
import org.apache.hadoop.hdfs.tools.CacheAdmin;
import org.apache.hadoop.hdfs.tools.DFSAdmin;
import org.apache.hadoop.hdfs.tools.ECAdmin;
import org.apache.hadoop.hdfs.tools.StoragePolicyAdmin;
import org.apache.hadoop.security.UserGroupInformation;
import org.apache.hadoop.util.Tool;
import org.apache.hadoop.util.ToolRunner;

/**
 * Runs administration commands in one JVM. Reads one command per line, words separated by tabs;
 * prints "=> STATUS" on a line after each. The first word is a tool (cacheadmin, dfsadmin, ec,
 * storagepolicies, fs), or "events": makes changes and prints their events. "as USER" before a tool
 * runs it as another user, without security; "as USER/OTHER" lets USER act for OTHER.
 */
public class Admin {
    public static void main(String[] arguments) throws Exception {
        Configuration configuration = new Configuration();
        UserGroupInformation.setConfiguration(configuration);
        // The tools write their errors there.
        System.setErr(System.out);
        BufferedReader lines = new BufferedReader(
                new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = lines.readLine()) != null;) {
            String[] words = line.split("\t");
            int status;
            try {
                if (words[0].equals("as")) {
                    String[] rest = Arrays.copyOfRange(words, 2, words.length);
                    status = user(words[1]).doAs(
                            (PrivilegedExceptionAction<Integer>) () -> run(configuration, rest));
                } else {
                    status = words[0].equals("events") ? events(configuration)
                            : run(configuration, words);
                }
            } catch (Exception refused) {
                System.out.println(refused);
                status = 1;
            }
            System.out.println("=> " + status);
            System.out.flush();
        }
    }

    private static UserGroupInformation user(String name) {
        String[] names = name.split("/");
        UserGroupInformation user = UserGroupInformation.createRemoteUser(names[0]);
        return names.length == 1 ? user : UserGroupInformation.createProxyUser(names[1], user);
    }

    private static int run(Configuration configuration, String[] words) throws Exception {
        return ToolRunner.run(configuration, tool(words[0], configuration),
                Arrays.copyOfRange(words, 1, words.length));
    }

    private static Tool tool(String name, Configuration configuration) {
        switch (name) {
            case "cacheadmin":
                return new CacheAdmin(configuration);
            case "dfsadmin":
                return new DFSAdmin(configuration);
            case "ec":
                return new ECAdmin(configuration);
            case "storagepolicies":
                return new StoragePolicyAdmin(configuration);
            case "fs":
                return new FsShell();
            default:
                throw new IllegalArgumentException(name);
        }
    }

    private static int events(Configuration configuration) throws Exception {
        FileSystem fs = FileSystem.newInstance(configuration);
        HdfsAdmin admin = new HdfsAdmin(FileSystem.getDefaultUri(configuration), configuration);
        DFSInotifyEventInputStream stream = admin.getInotifyEventStream();
        Path directory = new Path("/events"), file = new Path(directory, "f"),
                moved = new Path(directory, "g");
        fs.mkdirs(directory);
        try (java.io.OutputStream out = fs.create(file)) {
            out.write(new byte[10]);
        }
        fs.setPermission(file, new FsPermission((short) 0640));
        fs.setOwner(file, "alice", null);
        fs.setTimes(file, 1000, 2000);
        fs.setReplication(file, (short) 2);
        fs.setXAttr(file, "user.a", new byte[]{1});
        fs.removeXAttr(file, "user.a");
        try (java.io.OutputStream out = fs.append(file)) {
            out.write(1);
        }
        fs.truncate(file, 0);
        fs.rename(file, moved);
        fs.delete(directory, true);
        for (EventBatch batch; (batch = stream.poll()) != null;) {
            for (Event event : batch.getEvents()) System.out.println(event);
        }
        try {
            for (DFSInotifyEventInputStream early = admin.getInotifyEventStream(0); early
                    .poll() != null;) {}
            System.out.println("nothing is missing");
        } catch (MissingEventsException missing) {
            System.out.println(missing.getClass().getSimpleName());
        }
        return 0;
    }
}
