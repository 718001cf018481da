import java.security.PrivilegedExceptionAction;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.security.auth.Subject;
import javax.security.auth.kerberos.KerberosTicket;
import javax.security.auth.login.AppConfigurationEntry;
import javax.security.auth.login.Configuration;
import javax.security.auth.login.LoginContext;
import javax.security.auth.login.LoginException;
import org.ietf.jgss.GSSContext;
import org.ietf.jgss.GSSCredential;
import org.ietf.jgss.GSSManager;
import org.ietf.jgss.GSSName;
import org.ietf.jgss.Oid;

/**
 * A service and its client in one process, which log in by Krb5LoginModule as message brokers do.
 * A thread gets the client a new ticket when four fifths of the old one's life are over: from its
 * keytab, or by kinit -R if its ticket comes from a cache. Every hour the client opens a context.
 * Arguments: keytab|cache CLIENT KEYTAB|CACHE SERVICE/HOST KEYTAB HOURS.
 * Prints "ready", a line when the tickets of a cache come to their end, and at the end
 * "contexts N refused N refreshes N failures N".
 */
public class TicketService {
    private static final double SHARE = 0.8;
    /** Between two logins. */
    private static final long MINIMUM = 60_000;

    private final boolean fromCache;
    private final Map<String, String> options = new HashMap<>();
    private final Subject client = new Subject();
    private final AtomicInteger refreshes = new AtomicInteger();
    private final AtomicInteger failures = new AtomicInteger();
    private LoginContext login;

    TicketService(boolean fromCache, String principal, String source) {
        this.fromCache = fromCache;
        options.put("principal", principal);
        options.put("doNotPrompt", "true");
        if (fromCache) {
            options.put("useTicketCache", "true");
            options.put("ticketCache", source);
        } else {
            options.put("useKeyTab", "true");
            options.put("keyTab", source);
            options.put("storeKey", "true");
        }
    }

    private static LoginContext context(Subject subject, Map<String, String> options)
            throws LoginException {
        AppConfigurationEntry entry = new AppConfigurationEntry(
                "com.sun.security.auth.module.Krb5LoginModule",
                AppConfigurationEntry.LoginModuleControlFlag.REQUIRED, options);
        return new LoginContext("service", subject, null, new Configuration() {
            @Override
            public AppConfigurationEntry[] getAppConfigurationEntry(String name) {
                return new AppConfigurationEntry[]{entry};
            }
        });
    }

    private void login() throws LoginException {
        login = context(client, options);
        login.login();
    }

    private KerberosTicket ticket() {
        for (KerberosTicket ticket : client.getPrivateCredentials(KerberosTicket.class)) {
            if (ticket.getServer().getName().startsWith("krbtgt/")) {
                return ticket;
            }
        }
        return null;
    }

    /** The thread that refreshes. */
    private void refresh() {
        try {
            while (true) {
                KerberosTicket ticket = ticket();
                if (ticket != null && fromCache
                        && !ticket.getRenewTill().after(ticket.getEndTime())) {
                    System.out.println("no renewal beyond the end of this ticket");
                    return;
                }
                long now = System.currentTimeMillis();
                long wait = MINIMUM;
                if (ticket != null) {
                    long start = ticket.getStartTime().getTime();
                    long life = ticket.getEndTime().getTime() - start;
                    wait = Math.max(MINIMUM, start + (long) (SHARE * life) - now);
                }
                Thread.sleep(wait);
                try {
                    if (fromCache) {
                        kinit();
                    }
                    login.logout();
                    login();
                    refreshes.incrementAndGet();
                } catch (Exception failure) {
                    failures.incrementAndGet();
                    failure.printStackTrace();
                }
            }
        } catch (InterruptedException end) {
            // The service ends.
        }
    }

    private static void kinit() throws Exception {
        Process kinit = new ProcessBuilder("kinit", "-R").inheritIO().start();
        if (!kinit.waitFor(60, TimeUnit.SECONDS) || kinit.exitValue() != 0) {
            throw new IllegalStateException("kinit -R failed");
        }
    }

    private static <T> T as(Subject subject, PrivilegedExceptionAction<T> action) throws Exception {
        return Subject.doAs(subject, action);
    }

    public static void main(String[] arguments) throws Exception {
        Oid krb5 = new Oid("1.2.840.113554.1.2.2");
        GSSManager manager = GSSManager.getInstance();
        TicketService user = new TicketService(arguments[0].equals("cache"), arguments[1],
                arguments[2]);
        user.login();
        Subject service = new Subject();
        context(service,
                Map.of("principal", arguments[3], "useKeyTab", "true", "keyTab", arguments[4],
                        "storeKey",
                        "true", "doNotPrompt", "true", "isInitiator", "false"))
                .login();
        GSSCredential credential = as(service,
                () -> manager.createCredential(null, GSSCredential.DEFAULT_LIFETIME, krb5,
                        GSSCredential.ACCEPT_ONLY));
        Thread refresher = new Thread(user::refresh);
        refresher.setDaemon(true);
        refresher.start();
        System.out.println("ready");
        System.out.flush();
        int contexts = 0;
        int refused = 0;
        // Between two refreshes, which come at whole hours.
        Thread.sleep(1_800_000);
        for (int hour = 0; hour < Integer.parseInt(arguments[5]); hour++) {
            Thread.sleep(3_600_000);
            try {
                byte[] token = as(user.client, () -> {
                    GSSName name = manager.createName(arguments[3].replace('/', '@'),
                            GSSName.NT_HOSTBASED_SERVICE);
                    return manager.createContext(name, krb5, null, GSSContext.DEFAULT_LIFETIME)
                            .initSecContext(new byte[0], 0, 0);
                });
                GSSContext accepting = manager.createContext(credential);
                as(service, () -> accepting.acceptSecContext(token, 0, token.length));
                contexts++;
            } catch (Exception failure) {
                refused++;
            }
        }
        System.out.println(
                "contexts " + contexts + " refused " + refused + " refreshes " + user.refreshes
                        + " failures " + user.failures);
        System.exit(0);
    }
}
