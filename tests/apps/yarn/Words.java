import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;

/**
 * Checks what jobs wrote. Words write DIR FILES LINES: text whose words are known;
 * compare DIR LINES: the counts of these words in DIR's files;
 * same DIR DIR: equal names, lengths and bytes;
 * rows DIR: rows of 100 bytes in its parts; has DIR TEXT: lines with that text.
 */
public class Words {
    public static void main(String[] arguments) throws Exception {
        Configuration configuration = new Configuration();
        Path directory = new Path(arguments[1]);
        FileSystem files = directory.getFileSystem(configuration);
        switch (arguments[0]) {
            case "write":
                for (int file = 0; file < Integer.parseInt(arguments[2]); file++) {
                    try (PrintWriter out = new PrintWriter(
                            files.create(new Path(directory, "text" + file)))) {
                        for (int line = 0; line < Integer.parseInt(arguments[3]); line++) {
                            out.println("every w" + line % 100 + " file" + file);
                        }
                    }
                }
                break;
            case "compare":
                System.out.println(compare(files, directory, Integer.parseInt(arguments[2]),
                        Integer.parseInt(arguments[3])));
                break;
            case "same":
                System.out.println(same(files, directory, new Path(arguments[2])));
                break;
            case "rows":
                long bytes = 0;
                for (FileStatus status : files.listStatus(directory)) {
                    bytes += status.getPath().getName().startsWith("part-") ? status.getLen() : 0;
                }
                System.out.println("rows " + bytes / 100);
                break;
            case "has":
                System.out.println("lines " + lines(files, directory, arguments[2]));
                break;
            default:
                throw new IllegalArgumentException(arguments[0]);
        }
    }

    private static String compare(FileSystem files, Path directory, int texts, int lines)
            throws Exception {
        Map<String, Long> expected = new TreeMap<>();
        for (int file = 0; file < texts; file++) {
            for (int line = 0; line < lines; line++) {
                expected.merge("every", 1L, Long::sum);
                expected.merge("w" + line % 100, 1L, Long::sum);
                expected.merge("file" + file, 1L, Long::sum);
            }
        }
        Map<String, Long> found = new TreeMap<>();
        for (FileStatus status : files.listStatus(directory)) {
            try (BufferedReader in = new BufferedReader(
                    new InputStreamReader(files.open(status.getPath())))) {
                for (String line; (line = in.readLine()) != null;) {
                    String[] words = line.split("\t");
                    found.merge(words[0], Long.parseLong(words[1]), Long::sum);
                }
            }
        }
        return "words " + found.size() + " "
                + (found.equals(expected) ? "right" : "wrong: " + found);
    }

    private static String same(FileSystem files, Path from, Path to) throws Exception {
        int equal = 0;
        RemoteIterator<LocatedFileStatus> each = files.listFiles(from, true);
        String root = files.getFileStatus(from).getPath().toUri().getPath();
        while (each.hasNext()) {
            FileStatus status = each.next();
            String name = status.getPath().toUri().getPath().substring(root.length() + 1);
            Path other = new Path(to, name);
            byte[] here = read(files, status.getPath());
            if (!java.util.Arrays.equals(here, read(other.getFileSystem(files.getConf()), other))) {
                return "differs: " + name;
            }
            equal++;
        }
        return "equal " + equal;
    }

    private static byte[] read(FileSystem files, Path path) throws Exception {
        byte[] bytes = new byte[(int) files.getFileStatus(path).getLen()];
        try (FSDataInputStream in = files.open(path)) {
            in.readFully(bytes);
        }
        return bytes;
    }

    private static int lines(FileSystem files, Path directory, String text) throws Exception {
        int lines = 0;
        for (FileStatus status : files.listStatus(directory)) {
            try (BufferedReader in = new BufferedReader(
                    new InputStreamReader(files.open(status.getPath())))) {
                for (String line; (line = in.readLine()) != null;) {
                    lines += line.contains(text) ? 1 : 0;
                }
            }
        }
        return lines;
    }
}
