import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.CreateFlag;
import org.apache.hadoop.fs.FileContext;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Options;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.security.UserGroupInformation;

/** Uses symbolic links by FileContext, and prints what happens, one line each. */
public class Symlinks {
    interface Step { Object take() throws Exception; }

    public static void main(String[] arguments) throws Exception {
        FileSystem.enableSymlinks();
        Configuration configuration = new Configuration();
        UserGroupInformation.setConfiguration(configuration);
        FileContext files = FileContext.getFileContext(configuration);
        Path directory = new Path("/links/d"), link = new Path("/links/l"),
                file = new Path("/links/l/f");
        files.mkdir(directory, null, true);
        say("link", () -> { files.createSymlink(directory, link, false); return "created"; });
        say("write", () -> {
            try (java.io.OutputStream out = files.create(file,
                    java.util.EnumSet.of(CreateFlag.CREATE))) {
                out.write(new byte[3]);
            }
            return files.getFileStatus(new Path(directory, "f")).getLen();
        });
        say("read", () -> {
            try (java.io.InputStream in = files.open(file)) {
                return in.read(new byte[9]);
            }
        });
        say("status", () -> files.getFileStatus(link).isDirectory());
        say("link status", () -> files.getFileLinkStatus(link).isSymlink());
        say("target", () -> files.getLinkTarget(link).toUri().getPath());
        say("list", () -> files.util().listStatus(link).length);
        say("relative", () -> {
            files.createSymlink(new Path("d/f"), new Path("/links/r"), false);
            return files.getFileStatus(new Path("/links/r")).getLen();
        });
        say("rename", () -> {
            files.rename(link, new Path("/links/m"), Options.Rename.NONE);
            return files.getFileStatus(new Path("/links/m/f")).getLen();
        });
        say("mode", () -> {
            files.setPermission(new Path("/links/r"),
                    new org.apache.hadoop.fs.permission.FsPermission((short) 0600));
            return files.getFileStatus(new Path("/links/d/f")).getPermission();
        });
        say("dangling", () -> {
            files.createSymlink(new Path("/links/none"), new Path("/links/x"), false);
            return files.getFileStatus(new Path("/links/x"));
        });
        say("circle", () -> {
            files.createSymlink(new Path("/links/b"), new Path("/links/a"), false);
            files.createSymlink(new Path("/links/a"), new Path("/links/b"), false);
            return files.getFileStatus(new Path("/links/a"));
        });
        say("delete", () -> {
            files.delete(new Path("/links/m"), false);
            return files.util().exists(new Path("/links/d/f"));
        });
    }

    private static void say(String label, Step step) {
        try {
            System.out.println(label + " = " + step.take());
        } catch (Exception refused) {
            System.out.println(label + " = "
                    + refused.toString().split("\n")[0].replaceAll("hdfs://[^/]+", ""));
        }
    }
}
