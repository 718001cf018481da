import java.security.PrivilegedExceptionAction;
import java.util.Map;
import javax.security.auth.Subject;
import javax.security.auth.kerberos.KerberosTicket;
import javax.security.auth.login.AppConfigurationEntry;
import javax.security.auth.login.Configuration;
import javax.security.auth.login.LoginContext;
import org.ietf.jgss.GSSContext;
import org.ietf.jgss.GSSManager;
import org.ietf.jgss.GSSName;
import org.ietf.jgss.Oid;

/**
 * Logs in with the JDK's Krb5LoginModule and asks for a service ticket by JGSS.
 * Arguments: "keytab" PRINCIPAL KEYTAB [SERVICE@HOST], or "ccache" PRINCIPAL CACHE [SERVICE@HOST].
 */
public class JdkLogin {
    public static void main(String[] arguments) throws Exception {
        boolean keytab = arguments[0].equals("keytab");
        Map<String, String> options = keytab
                ? Map.of("principal", arguments[1], "useKeyTab", "true", "keyTab", arguments[2], "storeKey", "true",
                        "doNotPrompt", "true", "isInitiator", "true", "refreshKrb5Config", "true")
                : Map.of("principal", arguments[1], "useTicketCache", "true", "ticketCache", arguments[2],
                        "doNotPrompt", "true", "refreshKrb5Config", "true");
        AppConfigurationEntry entry = new AppConfigurationEntry("com.sun.security.auth.module.Krb5LoginModule",
                AppConfigurationEntry.LoginModuleControlFlag.REQUIRED, options);
        Configuration configuration = new Configuration() {
            @Override
            public AppConfigurationEntry[] getAppConfigurationEntry(String name) {
                return new AppConfigurationEntry[] {entry};
            }
        };
        LoginContext context = new LoginContext("kerbox", new Subject(), null, configuration);
        context.login();
        for (KerberosTicket ticket : context.getSubject().getPrivateCredentials(KerberosTicket.class)) {
            System.out.println("ticket " + ticket.getClient() + " " + ticket.getServer() + " etype " + ticket.getSessionKeyType()
                    + " forwardable " + ticket.isForwardable() + " renewable " + ticket.isRenewable());
        }
        if (arguments.length > 3) {
            Subject.doAs(context.getSubject(), (PrivilegedExceptionAction<Void>) () -> {
                GSSManager manager = GSSManager.getInstance();
                GSSName service = manager.createName(arguments[3], GSSName.NT_HOSTBASED_SERVICE);
                GSSContext gss = manager.createContext(service, new Oid("1.2.840.113554.1.2.2"), null, GSSContext.DEFAULT_LIFETIME);
                gss.requestMutualAuth(true);
                byte[] token = gss.initSecContext(new byte[0], 0, 0);
                System.out.println("token of " + token.length + " bytes for " + arguments[3]);
                return null;
            });
        }
    }
}
