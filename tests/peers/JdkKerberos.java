import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.security.PrivilegedExceptionAction;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import javax.security.auth.Subject;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.CallbackHandler;
import javax.security.auth.callback.NameCallback;
import javax.security.auth.callback.PasswordCallback;
import javax.security.auth.kerberos.KerberosTicket;
import javax.security.auth.login.AppConfigurationEntry;
import javax.security.auth.login.Configuration;
import javax.security.auth.login.LoginContext;
import javax.security.sasl.AuthorizeCallback;
import javax.security.sasl.Sasl;
import javax.security.sasl.SaslClient;
import javax.security.sasl.SaslServer;
import org.ietf.jgss.GSSContext;
import org.ietf.jgss.GSSCredential;
import org.ietf.jgss.GSSManager;
import org.ietf.jgss.GSSName;
import org.ietf.jgss.MessageProp;
import org.ietf.jgss.Oid;

/**
 * The JDK's Krb5LoginModule, JGSS and SASL.
 * Reads one command per line, words separated by tabs; prints its result, then "=>" on a line.
 *   login keytab PRINCIPAL KEYTAB | login ccache PRINCIPAL CACHE |
 *   login password PRINCIPAL PASSWORD
 *   token SERVICE@HOST                        a first token of the logged-in principal
 *   context SERVICE@HOST PRINCIPAL KEYTAB     a context between the logged-in principal and the
 *                                             service, with messages in both directions
 *   sasl QOP SERVICE HOST PRINCIPAL KEYTAB    the same with SASL's GSSAPI; QOP is WANTED/OFFERED if
 *                                             client and server differ
 * A refusal is printed as "refused: " and the text of every cause.
 */
public class JdkKerberos {
    private static final String MECHANISM = "1.2.840.113554.1.2.2";
    private static Subject user;

    public static void main(String[] arguments) throws Exception {
        BufferedReader lines = new BufferedReader(
                new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = lines.readLine()) != null;) {
            try {
                System.out.println(command(line.split("\t")));
            } catch (Exception refused) {
                StringBuilder text = new StringBuilder("refused:");
                for (Throwable cause = refused; cause != null; cause = cause.getCause()) {
                    text.append(' ').append(cause.getMessage());
                }
                System.out.println(text);
            }
            System.out.println("=>");
        }
    }

    private static String command(String[] words) throws Exception {
        switch (words[0]) {
            case "login":
                user = null;
                user = login(words[1], words[2], words[3]);
                return describe(user);
            case "token":
                return as(user, () -> {
                    byte[] token = initiator(words[1]).initSecContext(new byte[0], 0, 0);
                    return "token of " + token.length + " bytes for " + words[1];
                });
            case "context":
                return context(words[1], login("keytab", words[2], words[3]));
            case "sasl":
                return sasl(words[1], words[2], words[3], login("keytab", words[4], words[5]));
            default:
                throw new IllegalArgumentException(words[0] + " is no command");
        }
    }

    /** A principal's credentials; a service needs no ticket. */
    private static Subject login(String how, String principal, String with) throws Exception {
        Map<String, String> options = new HashMap<>(
                Map.of("principal", principal, "refreshKrb5Config", "true"));
        switch (how) {
            case "keytab":
                options.putAll(Map.of("useKeyTab", "true", "keyTab", with, "storeKey", "true",
                        "doNotPrompt", "true",
                        "isInitiator", principal.contains("/") ? "false" : "true"));
                break;
            case "ccache":
                options.putAll(Map.of("useTicketCache", "true", "ticketCache", with, "doNotPrompt",
                        "true"));
                break;
            default:
                break;
        }
        AppConfigurationEntry entry = new AppConfigurationEntry(
                "com.sun.security.auth.module.Krb5LoginModule",
                AppConfigurationEntry.LoginModuleControlFlag.REQUIRED, options);
        Configuration configuration = new Configuration() {
            @Override
            public AppConfigurationEntry[] getAppConfigurationEntry(String name) {
                return new AppConfigurationEntry[]{entry};
            }
        };
        CallbackHandler asked = callbacks -> {
            for (Callback callback : callbacks) {
                if (callback instanceof NameCallback) {
                    ((NameCallback) callback).setName(principal);
                } else if (callback instanceof PasswordCallback) {
                    ((PasswordCallback) callback).setPassword(with.toCharArray());
                }
            }
        };
        LoginContext context = new LoginContext("kerbox", new Subject(), asked, configuration);
        context.login();
        return context.getSubject();
    }

    private static String describe(Subject subject) {
        StringBuilder text = new StringBuilder();
        for (KerberosTicket ticket : subject.getPrivateCredentials(KerberosTicket.class)) {
            text.append("ticket ").append(ticket.getClient()).append(' ').append(ticket.getServer())
                    .append(" etype ").append(ticket.getSessionKeyType())
                    .append(" forwardable ").append(ticket.isForwardable()).append(" renewable ")
                    .append(ticket.isRenewable());
        }
        return text.toString();
    }

    @SuppressWarnings("removal")
    private static <T> T as(Subject subject, PrivilegedExceptionAction<T> action) throws Exception {
        return Subject.doAs(subject, action);
    }

    private static GSSContext initiator(String service) throws Exception {
        GSSManager manager = GSSManager.getInstance();
        GSSName name = manager.createName(service, GSSName.NT_HOSTBASED_SERVICE);
        GSSContext context = manager.createContext(name, new Oid(MECHANISM), null,
                GSSContext.DEFAULT_LIFETIME);
        context.requestMutualAuth(true);
        context.requestConf(true);
        context.requestInteg(true);
        return context;
    }

    private static String context(String service, Subject server) throws Exception {
        GSSContext initiator = as(user, () -> initiator(service));
        GSSContext acceptor = as(server, () -> {
            GSSManager manager = GSSManager.getInstance();
            GSSCredential credential = manager.createCredential(null,
                    GSSCredential.INDEFINITE_LIFETIME, new Oid(MECHANISM),
                    GSSCredential.ACCEPT_ONLY);
            return manager.createContext(credential);
        });
        byte[] token = new byte[0];
        while (!acceptor.isEstablished() || !initiator.isEstablished()) {
            byte[] toServer = token;
            byte[] sent = as(user, () -> initiator.initSecContext(toServer, 0, toServer.length));
            if (sent != null) {
                token = as(server, () -> acceptor.acceptSecContext(sent, 0, sent.length));
            }
        }
        byte[] message = "between the two of us".getBytes(StandardCharsets.UTF_8);
        for (GSSContext[] way : new GSSContext[][]{{initiator, acceptor}, {acceptor, initiator}}) {
            byte[] wrapped = way[0].wrap(message, 0, message.length, new MessageProp(0, true));
            byte[] read = way[1].unwrap(wrapped, 0, wrapped.length, new MessageProp(0, true));
            byte[] mic = way[0].getMIC(message, 0, message.length, new MessageProp(0, false));
            way[1].verifyMIC(mic, 0, mic.length, message, 0, message.length,
                    new MessageProp(0, false));
            if (!Arrays.equals(read, message)) {
                throw new IllegalStateException("a message was changed on its way");
            }
        }
        return "context of " + acceptor.getSrcName() + " with " + acceptor.getTargName() + " conf "
                + acceptor.getConfState();
    }

    private static String sasl(String qop, String service, String host, Subject server)
            throws Exception {
        String[] qops = qop.split("/");
        Map<String, String> properties = Map.of(Sasl.QOP, qops[0], Sasl.SERVER_AUTH, "true");
        Map<String, String> offered = Map.of(Sasl.QOP, qops[qops.length - 1]);
        CallbackHandler authorize = callbacks -> {
            for (Callback callback : callbacks) {
                if (callback instanceof AuthorizeCallback) {
                    ((AuthorizeCallback) callback).setAuthorized(true);
                }
            }
        };
        String[] mechanisms = {"GSSAPI"};
        SaslClient client = as(user,
                () -> Sasl.createSaslClient(mechanisms, null, service, host, properties, null));
        SaslServer accepting = as(server,
                () -> Sasl.createSaslServer("GSSAPI", service, host, offered, authorize));
        byte[] challenge = new byte[0];
        while (!accepting.isComplete()) {
            byte[] given = challenge;
            byte[] response = as(user, () -> client.evaluateChallenge(given));
            challenge = as(server, () -> accepting.evaluateResponse(response));
        }
        Set<Object> agreed = new LinkedHashSet<>(
                Arrays.asList(client.getNegotiatedProperty(Sasl.QOP),
                        accepting.getNegotiatedProperty(Sasl.QOP)));
        if (!qop.equals("auth")) {
            byte[] message = "between the two of us".getBytes(StandardCharsets.UTF_8);
            byte[] wrapped = client.wrap(message, 0, message.length);
            byte[] read = accepting.unwrap(wrapped, 0, wrapped.length);
            if (!Arrays.equals(read, message)) {
                throw new IllegalStateException("a message was changed on its way");
            }
        }
        return "sasl " + accepting.getAuthorizationID() + " agreed on " + agreed;
    }
}
