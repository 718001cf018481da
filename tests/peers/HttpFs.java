import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.http.server.HttpFSServerWebServer;

/**
 * A real HttpFS on a free port, for the file system of a configuration folder. Arguments: a folder
 * of its own, the configuration folder. Prints its URL, and ends when its input does.
 */
public class HttpFs {
    public static void main(String[] arguments) throws Exception {
        Path home = Path.of(arguments[0]);
        for (String folder : new String[]{"conf", "log", "temp"})
            Files.createDirectories(home.resolve(folder));
        Files.writeString(home.resolve("conf/httpfs-signature.secret"), "secret");
        Files.writeString(home.resolve("conf/httpfs-site.xml"),
                "<configuration><property><name>httpfs.hadoop.config.dir</name><value>"
                        + arguments[1] + "</value></property></configuration>");
        System.setProperty("httpfs.home.dir", home.toString());
        System.setProperty("httpfs.config.dir", home.resolve("conf").toString());
        Configuration configuration = new Configuration();
        configuration.set("httpfs.http.hostname", "localhost");
        configuration.set("httpfs.http.port", "0");
        configuration.set("hadoop.tmp.dir", home.resolve("temp").toString());
        // Its own `main` does the same, but tells nobody the port.
        var constructor = HttpFSServerWebServer.class.getDeclaredConstructor(Configuration.class,
                Configuration.class);
        constructor.setAccessible(true);
        HttpFSServerWebServer server = constructor.newInstance(configuration,
                new Configuration(false));
        server.start();
        System.out.println(server.getUrl());
        while (System.in.read() >= 0) {}
        System.exit(0);
    }
}
