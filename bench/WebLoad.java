import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.PrivilegedExceptionAction;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import javax.security.auth.Subject;
import javax.security.auth.login.AppConfigurationEntry;
import javax.security.auth.login.LoginContext;
import org.ietf.jgss.GSSContext;
import org.ietf.jgss.GSSManager;
import org.ietf.jgss.GSSName;
import org.ietf.jgss.Oid;

/**
 * Makes many requests of WebHDFS, and prints how many there were in a second.
 * Arguments: status URL COUNT IN_FLIGHT, or logins URL COUNT IN_FLIGHT with the user's tickets.
 * A login sends a new token for the service's ticket, which is fetched once, and no cookie.
 */
public class WebLoad {
    static HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    static URI uri;

    interface Request { void make() throws Exception; }

    public static void main(String[] arguments) throws Exception {
        uri = URI.create(arguments[1]);
        int count = Integer.parseInt(arguments[2]), inFlight = Integer.parseInt(arguments[3]);
        Request request;
        if (arguments[0].equals("logins")) {
            Subject user = login();
            request = () -> Subject.doAs(user, (PrivilegedExceptionAction<Void>) () -> {
                get(HttpRequest.newBuilder(uri).header("Authorization", "Negotiate " + token()));
                return null;
            });
        } else {
            request = () -> get(HttpRequest.newBuilder(uri));
        }
        run(request, Math.max(count / 10, inFlight), inFlight);
        System.out.println("start");
        System.in.read();
        double seconds = run(request, count, inFlight);
        System.out.printf("%.0f%n", count / seconds);
    }

    static double run(Request request, int count, int inFlight) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(inFlight);
        List<Future<Object>> parts = new ArrayList<>();
        long start = System.nanoTime();
        for (int thread = 0; thread < inFlight; thread++) {
            int share = count / inFlight + (thread < count % inFlight ? 1 : 0);
            parts.add(pool.submit((Callable<Object>) () -> {
                for (int i = 0; i < share; i++) request.make();
                return null;
            }));
        }
        for (Future<Object> part : parts) part.get();
        pool.shutdown();
        return (System.nanoTime() - start) / 1e9;
    }

    static void get(HttpRequest.Builder request) throws Exception {
        HttpResponse<String> answer = client.send(request.build(),
                HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() != 200 || !answer.body().contains("FileStatus"))
            throw new IllegalStateException(answer.statusCode() + " " + answer.body());
    }

    static Subject login() throws Exception {
        var configuration = new javax.security.auth.login.Configuration() {
            @Override
            public AppConfigurationEntry[] getAppConfigurationEntry(String name) {
                Map<String, String> options = Map.of("useTicketCache", "true", "doNotPrompt",
                        "true", "ticketCache",
                        System.getenv("KRB5CCNAME").replaceFirst("^FILE:", ""));
                return new AppConfigurationEntry[]{
                    new AppConfigurationEntry("com.sun.security.auth.module.Krb5LoginModule",
                            AppConfigurationEntry.LoginModuleControlFlag.REQUIRED, options)};
            }
        };
        LoginContext context = new LoginContext("load", null, null, configuration);
        context.login();
        return context.getSubject();
    }

    static String token() throws Exception {
        GSSManager manager = GSSManager.getInstance();
        GSSName service = manager.createName("HTTP@localhost", GSSName.NT_HOSTBASED_SERVICE);
        GSSContext context = manager.createContext(service, new Oid("1.3.6.1.5.5.2"), null,
                GSSContext.DEFAULT_LIFETIME);
        try {
            return Base64.getEncoder().encodeToString(context.initSecContext(new byte[0], 0, 0));
        } finally {
            context.dispose();
        }
    }
}
