import java.net.ServerSocket;
import java.net.SocketTimeoutException;
import java.util.Date;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Prints the wall clock, and the duration of each of the JDK's ways to wait for 300 ms, or for the
 * milliseconds in WAIT_MS.
 */
class Waits {
    private static final int WAIT = Integer
            .parseInt(System.getenv().getOrDefault("WAIT_MS", "300"));

    private interface Wait {
        void run() throws Exception;
    }

    private static void measure(String name, Wait wait) throws Exception {
        long start = System.nanoTime();
        try {
            wait.run();
        } catch (TimeoutException | SocketTimeoutException expected) {
            // These waits end with a timeout.
        }
        System.out.println(name + " " + (System.nanoTime() - start) / 1_000_000);
    }

    public static void main(String[] arguments) throws Exception {
        System.out.println("now " + System.currentTimeMillis() / 1000);
        measure("parkUntil", () -> LockSupport.parkUntil(System.currentTimeMillis() + WAIT));
        measure("parkNanos", () -> LockSupport.parkNanos(WAIT * 1_000_000L));
        measure("sleep", () -> Thread.sleep(WAIT));
        measure("wait", () -> {
            Object lock = new Object();
            synchronized (lock) {
                lock.wait(WAIT);
            }
        });
        // This wait ends at a moment of the wall clock, which a frozen clock never reaches.
        if (!List.of(arguments).contains("--standing")) {
            measure("awaitUntil", () -> {
                ReentrantLock lock = new ReentrantLock();
                lock.lock();
                lock.newCondition().awaitUntil(new Date(System.currentTimeMillis() + WAIT));
            });
        }
        measure("poll", () -> new LinkedBlockingQueue<>().poll(WAIT, TimeUnit.MILLISECONDS));
        measure("get", () -> new CompletableFuture<>().get(WAIT, TimeUnit.MILLISECONDS));
        measure("accept", () -> {
            try (ServerSocket socket = new ServerSocket(0)) {
                socket.setSoTimeout(WAIT);
                socket.accept();
            }
        });
        measure("schedule", () -> {
            var executor = Executors.newScheduledThreadPool(1);
            executor.schedule(() -> {}, WAIT, TimeUnit.MILLISECONDS).get();
            executor.shutdown();
        });
    }
}
