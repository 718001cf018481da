import java.io.DataInputStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.mapreduce.security.TokenCache;
import org.apache.hadoop.security.Credentials;
import org.apache.hadoop.security.token.Token;
import org.apache.hadoop.security.token.delegation.AbstractDelegationTokenIdentifier;

/** Lists /user, writes and reads a file, and asks for tokens as MapReduce and Spark do. */
public class Tokens {
    public static void main(String[] arguments) throws Exception {
        Configuration conf = new Configuration();
        try (FileSystem fs = FileSystem.get(conf)) {
            for (FileStatus home : fs.listStatus(new Path("/user"))) {
                System.out.println(home.getPath().getName() + " " + home.getOwner() + " "
                        + home.getGroup() + " " + home.getPermission());
            }
            Path file = new Path("/user/alice/file");
            try (var out = fs.create(file)) {
                out.writeUTF("whole");
            }
            try (DataInputStream in = fs.open(file)) {
                System.out.println("read " + in.readUTF());
            }
            Credentials credentials = new Credentials();
            TokenCache.obtainTokensForNamenodes(credentials, new Path[]{new Path("/")}, conf);
            for (Token<?> token : credentials.getAllTokens()) {
                var identifier = (AbstractDelegationTokenIdentifier) token.decodeIdentifier();
                System.out.println(token.getKind() + " renewer " + identifier.getRenewer());
            }
        }
    }
}
