import com.sun.security.jgss.AuthorizationDataEntry;
import com.sun.security.jgss.ExtendedGSSContext;
import com.sun.security.jgss.InquireType;
import java.security.PrivilegedExceptionAction;
import java.util.Map;
import javax.security.auth.Subject;
import javax.security.auth.login.AppConfigurationEntry;
import javax.security.auth.login.Configuration;
import javax.security.auth.login.LoginContext;
import org.ietf.jgss.GSSContext;
import org.ietf.jgss.GSSCredential;
import org.ietf.jgss.GSSManager;
import org.ietf.jgss.GSSName;
import org.ietf.jgss.Oid;

/**
 * A JGSS client and service in one process. Arguments: CLIENT KEYTAB SERVICE/HOST KEYTAB.
 * Prints what the service learns. Without the second keytab only the client runs.
 */
public class JdkAccept {
    static Subject login(String principal, String keytab, boolean initiator) throws Exception {
        Map<String, String> options = Map.of("principal", principal, "useKeyTab", "true", "keyTab",
                keytab, "storeKey", "true",
                "doNotPrompt", "true", "isInitiator", String.valueOf(initiator),
                "refreshKrb5Config", "true");
        AppConfigurationEntry entry = new AppConfigurationEntry(
                "com.sun.security.auth.module.Krb5LoginModule",
                AppConfigurationEntry.LoginModuleControlFlag.REQUIRED, options);
        LoginContext context = new LoginContext("kerbox", new Subject(), null, new Configuration() {
            @Override
            public AppConfigurationEntry[] getAppConfigurationEntry(String name) {
                return new AppConfigurationEntry[]{entry};
            }
        });
        context.login();
        return context.getSubject();
    }

    public static void main(String[] arguments) throws Exception {
        Oid krb5 = new Oid("1.2.840.113554.1.2.2");
        GSSManager manager = GSSManager.getInstance();
        String[] service = arguments[2].split("/");
        byte[] token = Subject.doAs(login(arguments[0], arguments[1], true),
                (PrivilegedExceptionAction<byte[]>) () -> {
                    GSSName name = manager.createName(service[0] + "@" + service[1],
                            GSSName.NT_HOSTBASED_SERVICE);
                    return manager.createContext(name, krb5, null, GSSContext.DEFAULT_LIFETIME)
                            .initSecContext(new byte[0], 0, 0);
                });
        System.out.println("token of " + token.length + " bytes for " + arguments[2]);
        if (arguments.length < 4) {
            return;
        }
        Subject.doAs(login(arguments[2], arguments[3], false),
                (PrivilegedExceptionAction<Void>) () -> {
                    GSSCredential credential = manager.createCredential(null,
                            GSSCredential.DEFAULT_LIFETIME, krb5, GSSCredential.ACCEPT_ONLY);
                    GSSContext context = manager.createContext(credential);
                    context.acceptSecContext(token, 0, token.length);
                    System.out.println("accepted " + context.getSrcName());
                    Object data = ((ExtendedGSSContext) context)
                            .inquireSecContext(InquireType.KRB5_GET_AUTHZ_DATA);
                    for (AuthorizationDataEntry entry : (AuthorizationDataEntry[]) data) {
                        System.out.println("authorization data " + entry.getType() + " of "
                                + entry.getData().length + " bytes");
                    }
                    return null;
                });
    }
}
