import java.io.BufferedReader;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.security.PrivilegedExceptionAction;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import javax.security.auth.Subject;
import javax.security.auth.kerberos.KerberosTicket;
import javax.security.auth.login.AppConfigurationEntry;
import javax.security.auth.login.LoginContext;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.security.Credentials;
import org.apache.hadoop.security.UserGroupInformation;
import org.apache.hadoop.security.token.Token;
import org.ietf.jgss.GSSContext;
import org.ietf.jgss.GSSCredential;
import org.ietf.jgss.GSSManager;
import org.ietf.jgss.GSSName;
import org.ietf.jgss.Oid;

/**
 * A long-lived job on a secure HDFS, which makes the mistakes of real ones on demand.
 * Reads one command per line, words separated by tabs; prints what the command returns, its
 * exception with all causes, and "=> STATUS" on a line of its own. Arguments: KEY=VALUE settings.
 */
public class Jobs {
    private static final Configuration CONFIGURATION = new Configuration();
    private static final Oid KERBEROS = kerberos();
    /** Who the job is: a login of UGI's, a Subject of its own, or the owner of a token. */
    private static UserGroupInformation user;
    private static Subject subject;
    private static FileSystem files;
    private static FSDataInputStream in;
    private static FSDataOutputStream out;
    private static Thread relogin;
    private static Subject service;
    private static LoginContext serviceContext;

    public static void main(String[] arguments) throws Exception {
        for (String setting : arguments) {
            String[] words = setting.split("=", 2);
            CONFIGURATION.set(words[0], words[1]);
        }
        UserGroupInformation.setConfiguration(CONFIGURATION);
        BufferedReader lines = new BufferedReader(
                new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = lines.readLine()) != null;) {
            int status = 0;
            try {
                System.out.println(command(line.split("\t")));
            } catch (Throwable refused) {
                for (Throwable cause = refused; cause != null; cause = cause.getCause()) {
                    System.out.println(cause);
                }
                status = 1;
            }
            System.out.println("=> " + status);
            System.out.flush();
        }
    }

    private static Object command(String[] words) throws Exception {
        switch (words[0]) {
            // Who the job is.
            case "login":
                UserGroupInformation.loginUserFromKeytab(words[1], words[2]);
                user = UserGroupInformation.getLoginUser();
                return user;
            case "relogin":
                user.reloginFromKeytab();
                return user.hasKerberosCredentials();
            case "check":
                user.checkTGTAndReloginFromKeytab();
                return user.hasKerberosCredentials();
            case "subject":
                subject = new Subject();
                context(subject, words[1], words[2]).login();
                user = UserGroupInformation.getUGIFromSubject(subject);
                return user;
            case "again":
                return again(words[1], words[2], words[3]);
            case "first-ticket":
                return firstTicket();
            case "logout-and-login":
                return logoutAndLogin(words[1], words[2]);
            case "logged-in":
                relogin.join();
                return !subject.getPrivateCredentials(KerberosTicket.class).isEmpty();
            case "token":
                user = UserGroupInformation.createRemoteUser(words[1]);
                user.addCredentials(read(words[2]));
                return user.getTokens().size();
            case "more-tokens":
                user.addCredentials(read(words[1]));
                return user.getTokens().size();
            // A service of its own in the same JVM.
            case "serve":
                service = new Subject();
                serviceContext = context(service, words[1], words[2]);
                serviceContext.login();
                return service.getPrincipals().size();
            case "refresh":
                return refresh(words[1], words[2], words[3]);
            case "greet":
                return as(() -> greet(words[1]));
            case "accept":
                return Subject.doAs(service,
                        (PrivilegedExceptionAction<String>) () -> accept(words[1]));
            // What it does.
            case "list":
                return list(words[1]);
            case "list-again":
                return as(() -> files().listStatus(new Path(words[1])).length);
            case "lists":
                return lists(Integer.parseInt(words[1]), words[2]);
            case "open":
                in = as(() -> files().open(new Path(words[1])));
                return in.getPos();
            case "read":
                return as(() -> {
                    byte[] bytes = new byte[Integer.parseInt(words[1])];
                    in.readFully(bytes);
                    return java.util.Arrays.hashCode(bytes);
                });
            case "seek":
                return as(() -> {
                    in.seek(Long.parseLong(words[1]));
                    return 0;
                });
            case "create":
                out = as(() -> files().create(new Path(words[1])));
                return 0;
            case "write":
                return as(() -> {
                    out.write(new byte[Integer.parseInt(words[1])]);
                    return 0;
                });
            case "close":
                return as(() -> {
                    out.close();
                    return 0;
                });
            // Tokens in files.
            case "get":
                return get(words[1], words[2]);
            case "renew":
                return as(() -> first(words[1]).renew(CONFIGURATION));
            case "cancel":
                return as(() -> {
                    first(words[1]).cancel(CONFIGURATION);
                    return 0;
                });
            default:
                throw new IllegalArgumentException(words[0]);
        }
    }

    private static <T> T as(PrivilegedExceptionAction<T> action) throws Exception {
        return user == null ? action.run() : user.doAs(action);
    }

    private static FileSystem files() throws Exception {
        if (files == null) {
            files = FileSystem.newInstance(CONFIGURATION);
        }
        return files;
    }

    /** Uses a connection of its own, which must authenticate. */
    private static int list(String path) throws Exception {
        return as(() -> {
            try (FileSystem fresh = FileSystem.newInstance(CONFIGURATION)) {
                return fresh.listStatus(new Path(path)).length;
            }
        });
    }

    /** Lets that many tasks begin at the same moment; returns the distinct errors. */
    private static String lists(int tasks, String path) throws Exception {
        CountDownLatch start = new CountDownLatch(1);
        ConcurrentLinkedQueue<String> errors = new ConcurrentLinkedQueue<>();
        Thread[] threads = new Thread[tasks];
        for (int i = 0; i < tasks; i++) {
            threads[i] = new Thread(() -> {
                try {
                    start.await();
                    user.checkTGTAndReloginFromKeytab();
                    list(path);
                } catch (Throwable error) {
                    errors.add(error.toString());
                }
            });
            threads[i].start();
        }
        start.countDown();
        for (Thread thread : threads) {
            thread.join();
        }
        return errors.size() + " failed " + Set.copyOf(errors);
    }

    private static LoginContext context(Subject into, String principal, String keytab)
            throws Exception {
        Map<String, String> options = new HashMap<>(
                Map.of("principal", principal, "useKeyTab", "true", "keyTab", keytab,
                        "doNotPrompt", "true", "refreshKrb5Config", "true", "storeKey", "true"));
        AppConfigurationEntry entry = new AppConfigurationEntry(
                "com.sun.security.auth.module.Krb5LoginModule",
                AppConfigurationEntry.LoginModuleControlFlag.REQUIRED, options);
        return new LoginContext("job", into, null, new javax.security.auth.login.Configuration() {
            @Override
            public AppConfigurationEntry[] getAppConfigurationEntry(String name) {
                return new AppConfigurationEntry[]{entry};
            }
        });
    }

    /**
     * Logs in again; "keep" leaves the old tickets in the Subject, "replace" removes them first.
     */
    private static int again(String how, String principal, String keytab) throws Exception {
        Subject fresh = new Subject();
        context(fresh, principal, keytab).login();
        Set<Object> credentials = subject.getPrivateCredentials();
        synchronized (credentials) {
            if (how.equals("replace")) {
                credentials.removeIf(credential -> credential instanceof KerberosTicket);
            }
            credentials.addAll(fresh.getPrivateCredentials());
        }
        return subject.getPrivateCredentials(KerberosTicket.class).size();
    }

    /**
     * Judges by the first ticket-granting ticket in the Subject, the oldest, as some clients do.
     */
    private static String firstTicket() {
        for (Object credential : subject.getPrivateCredentials()) {
            if (credential instanceof KerberosTicket ticket
                    && ticket.getServer().getName().startsWith("krbtgt/")) {
                return ticket.isCurrent() ? "current" : "expired";
            }
        }
        return "missing";
    }

    /** Empties the Subject, and logs in again on another thread. */
    private static int logoutAndLogin(String principal, String keytab) throws Exception {
        CountDownLatch empty = new CountDownLatch(1);
        relogin = new Thread(() -> {
            try {
                subject.getPrivateCredentials().clear();
                empty.countDown();
                context(subject, principal, keytab).login();
            } catch (Exception error) {
                error.printStackTrace();
            }
        });
        relogin.start();
        empty.await();
        return subject.getPrivateCredentials().size();
    }

    /**
     * Logs the service in again: "empty" logs out first, "replace" only once the new login has
     * worked.
     */
    private static int refresh(String how, String principal, String keytab) throws Exception {
        if (how.equals("empty")) {
            serviceContext.logout();
            // A new one, as UGI does: the old one would take its old ticket again.
            serviceContext = context(service, principal, keytab);
            serviceContext.login();
        } else {
            Subject fresh = new Subject();
            LoginContext context = context(fresh, principal, keytab);
            context.login();
            service = fresh;
            serviceContext = context;
        }
        return service.getPrivateCredentials(KerberosTicket.class).size();
    }

    /** Returns a token for a service's host-based name, as SERVICE@HOST. */
    private static String greet(String name) throws Exception {
        GSSManager manager = GSSManager.getInstance();
        GSSContext context = manager.createContext(
                manager.createName(name, GSSName.NT_HOSTBASED_SERVICE), KERBEROS,
                null, GSSContext.DEFAULT_LIFETIME);
        context.requestMutualAuth(false);
        return Base64.getEncoder().encodeToString(context.initSecContext(new byte[0], 0, 0));
    }

    /** Returns whose token it is. */
    private static String accept(String token) throws Exception {
        GSSManager manager = GSSManager.getInstance();
        GSSCredential own = manager.createCredential(null, GSSCredential.DEFAULT_LIFETIME, KERBEROS,
                GSSCredential.ACCEPT_ONLY);
        GSSContext context = manager.createContext(own);
        byte[] bytes = Base64.getDecoder().decode(token);
        context.acceptSecContext(bytes, 0, bytes.length);
        return context.getSrcName().toString();
    }

    private static int get(String renewer, String file) throws Exception {
        Credentials credentials = new Credentials();
        Token<?>[] tokens = as(() -> {
            try (FileSystem fresh = FileSystem.newInstance(CONFIGURATION)) {
                return fresh.addDelegationTokens(renewer, credentials);
            }
        });
        try (DataOutputStream out = new DataOutputStream(new FileOutputStream(file))) {
            credentials.writeTokenStorageToStream(out);
        }
        return tokens.length;
    }

    private static Credentials read(String file) throws Exception {
        Credentials credentials = new Credentials();
        try (DataInputStream in = new DataInputStream(new FileInputStream(file))) {
            credentials.readTokenStorageStream(in);
        }
        return credentials;
    }

    private static Oid kerberos() {
        try {
            return new Oid("1.2.840.113554.1.2.2");
        } catch (Exception impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private static Token<?> first(String file) throws Exception {
        return read(file).getAllTokens().iterator().next();
    }
}
