import java.io.BufferedReader;
import java.io.DataInputStream;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.FsShell;
import org.apache.hadoop.security.Credentials;
import org.apache.hadoop.security.UserGroupInformation;
import org.apache.hadoop.security.token.Token;
import org.apache.hadoop.util.ToolRunner;

/**
 * Delegation tokens with Hadoop's own client.
 * Reads one command per line, words separated by tabs; prints "=> STATUS" on a line after each.
 * "get RENEWER FILE FORMAT" requests a token and writes it (FORMAT: WRITABLE or PROTOBUF),
 * "renew FILE" and "cancel FILE" use one; anything else is a command of "hadoop fs".
 */
public class Tokens {
    public static void main(String[] arguments) throws Exception {
        Configuration configuration = new Configuration();
        UserGroupInformation.setConfiguration(configuration);
        BufferedReader lines = new BufferedReader(
                new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = lines.readLine()) != null;) {
            int status = 0;
            try {
                status = command(configuration, line.split("\t"));
            } catch (Exception refused) {
                System.out.println(refused);
                status = 1;
            }
            System.err.flush();
            System.out.println("=> " + status);
            System.out.flush();
        }
    }

    private static int command(Configuration configuration, String[] words) throws Exception {
        switch (words[0]) {
            case "get":
                Credentials credentials = new Credentials();
                try (FileSystem files = FileSystem.newInstance(configuration)) {
                    Token<?>[] tokens = files.addDelegationTokens(words[1], credentials);
                    System.out.println(tokens == null ? 0 : tokens.length);
                }
                try (java.io.DataOutputStream out = new java.io.DataOutputStream(
                        new java.io.FileOutputStream(words[2]))) {
                    credentials.writeTokenStorageToStream(out,
                            Credentials.SerializedFormat.valueOf(words[3]));
                }
                return 0;
            case "renew":
                System.out.println(token(words[1]).renew(configuration));
                return 0;
            case "cancel":
                token(words[1]).cancel(configuration);
                return 0;
            default:
                return ToolRunner.run(new Configuration(), new FsShell(), words);
        }
    }

    private static Token<?> token(String file) throws IOException {
        Credentials credentials = new Credentials();
        try (DataInputStream in = new DataInputStream(new FileInputStream(new File(file)))) {
            credentials.readTokenStorageStream(in);
        }
        return credentials.getAllTokens().iterator().next();
    }
}
