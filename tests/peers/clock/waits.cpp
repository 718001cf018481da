// Prints the wall clock, and the duration of each way of glibc and libstdc++ to wait for 300 ms, or
// for the milliseconds in WAIT_MS.
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <functional>
#include <future>
#include <linux/futex.h>
#include <mqueue.h>
#include <mutex>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <shared_mutex>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <thread>
#include <threads.h>
#include <unistd.h>

using namespace std::chrono_literals;
using Wall = std::chrono::system_clock;

static const std::chrono::milliseconds WAIT{getenv("WAIT_MS") ? atoll(getenv("WAIT_MS")) : 300};

/// Returns a clock's time after the wait.
static timespec soon(clockid_t clock) {
    timespec time;
    clock_gettime(clock, &time);
    time.tv_sec += WAIT / 1s;
    time.tv_nsec += WAIT % 1s / 1ns;
    if (time.tv_nsec >= 1'000'000'000) {
        time.tv_sec += 1;
        time.tv_nsec -= 1'000'000'000;
    }
    return time;
}

static void measure(const char *name, const std::function<void()> &wait) {
    auto start = std::chrono::steady_clock::now();
    wait();
    auto taken = std::chrono::steady_clock::now() - start;
    printf("%s %lld\n", name, (long long)(taken / 1ms));
}

/// Runs `lock` in another thread, which never unlocks, and waits until that thread holds the lock.
static void held_elsewhere(const std::function<void()> &lock) {
    std::promise<void> locked;
    std::thread([&] {
        lock();
        locked.set_value();
        pause();
    }).detach();
    locked.get_future().wait();
}

/// Prints the wall clock by each function that reads it.
static void reads() {
    timespec spec;
    timeval val;
    time_t seconds;
    auto print = [](long long time) { printf("now %lld\n", time); };
    clock_gettime(CLOCK_REALTIME, &spec), print(spec.tv_sec);
    clock_gettime(CLOCK_REALTIME_COARSE, &spec), print(spec.tv_sec);
    timespec_get(&spec, TIME_UTC), print(spec.tv_sec);
    gettimeofday(&val, nullptr), print(val.tv_sec);
    time(&seconds), print(seconds);
    syscall(SYS_clock_gettime, CLOCK_REALTIME, &spec), print(spec.tv_sec);
    syscall(SYS_gettimeofday, &val, nullptr), print(val.tv_sec);
}

static void condition_variables() {
    std::mutex mutex;
    std::unique_lock<std::mutex> guard(mutex);
    std::condition_variable condition;
    measure("condition_variable::wait_until(system_clock)",
            [&] { condition.wait_until(guard, Wall::now() + WAIT); });
    measure("condition_variable::wait_for", [&] { condition.wait_for(guard, WAIT); });
    pthread_cond_t by_wall = PTHREAD_COND_INITIALIZER;
    measure("pthread_cond_timedwait", [&] {
        auto time = soon(CLOCK_REALTIME);
        pthread_cond_timedwait(&by_wall, mutex.native_handle(), &time);
    });
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_t by_monotonic;
    pthread_cond_init(&by_monotonic, &attributes);
    measure("pthread_cond_clockwait", [&] {
        auto time = soon(CLOCK_REALTIME);
        pthread_cond_clockwait(&by_wall, mutex.native_handle(), CLOCK_REALTIME, &time);
    });
    measure("pthread_cond_timedwait(monotonic)", [&] {
        auto time = soon(CLOCK_MONOTONIC);
        pthread_cond_timedwait(&by_monotonic, mutex.native_handle(), &time);
    });
    mtx_t c11_mutex;
    cnd_t c11_condition;
    mtx_init(&c11_mutex, mtx_timed);
    cnd_init(&c11_condition);
    mtx_lock(&c11_mutex);
    measure("cnd_timedwait", [&] {
        auto time = soon(CLOCK_REALTIME);
        cnd_timedwait(&c11_condition, &c11_mutex, &time);
    });
}

static void locks() {
    static std::timed_mutex timed;
    held_elsewhere([] { timed.lock(); });
    measure("timed_mutex::try_lock_until(system_clock)",
            [] { (void)timed.try_lock_until(Wall::now() + WAIT); });
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    held_elsewhere([] { pthread_mutex_lock(&mutex); });
    measure("pthread_mutex_timedlock", [] {
        auto time = soon(CLOCK_REALTIME);
        pthread_mutex_timedlock(&mutex, &time);
    });
    measure("pthread_mutex_clocklock", [] {
        auto time = soon(CLOCK_REALTIME);
        pthread_mutex_clocklock(&mutex, CLOCK_REALTIME, &time);
    });
    measure("pthread_mutex_clocklock(monotonic)", [] {
        auto time = soon(CLOCK_MONOTONIC);
        pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &time);
    });
    static pthread_rwlock_t shared = PTHREAD_RWLOCK_INITIALIZER;
    held_elsewhere([] { pthread_rwlock_wrlock(&shared); });
    measure("pthread_rwlock_timedrdlock", [] {
        auto time = soon(CLOCK_REALTIME);
        pthread_rwlock_timedrdlock(&shared, &time);
    });
    measure("pthread_rwlock_timedwrlock", [] {
        auto time = soon(CLOCK_REALTIME);
        pthread_rwlock_timedwrlock(&shared, &time);
    });
    measure("pthread_rwlock_clockrdlock", [] {
        auto time = soon(CLOCK_REALTIME);
        pthread_rwlock_clockrdlock(&shared, CLOCK_REALTIME, &time);
    });
    measure("pthread_rwlock_clockwrlock", [] {
        auto time = soon(CLOCK_REALTIME);
        pthread_rwlock_clockwrlock(&shared, CLOCK_REALTIME, &time);
    });
    static mtx_t c11;
    mtx_init(&c11, mtx_timed);
    held_elsewhere([] { mtx_lock(&c11); });
    measure("mtx_timedlock", [] {
        auto time = soon(CLOCK_REALTIME);
        mtx_timedlock(&c11, &time);
    });
}

static void semaphores_threads_and_futures() {
    sem_t semaphore;
    sem_init(&semaphore, 0, 0);
    measure("sem_timedwait", [&] {
        auto time = soon(CLOCK_REALTIME);
        sem_timedwait(&semaphore, &time);
    });
    measure("sem_clockwait", [&] {
        auto time = soon(CLOCK_REALTIME);
        sem_clockwait(&semaphore, CLOCK_REALTIME, &time);
    });
    measure("sem_clockwait(monotonic)", [&] {
        auto time = soon(CLOCK_MONOTONIC);
        sem_clockwait(&semaphore, CLOCK_MONOTONIC, &time);
    });
    pthread_t thread;
    pthread_create(&thread, nullptr, [](void *) -> void * { return (void *)(long)pause(); }, nullptr);
    measure("pthread_timedjoin_np", [&] {
        auto time = soon(CLOCK_REALTIME);
        pthread_timedjoin_np(thread, nullptr, &time);
    });
    measure("pthread_clockjoin_np", [&] {
        auto time = soon(CLOCK_REALTIME);
        pthread_clockjoin_np(thread, nullptr, CLOCK_REALTIME, &time);
    });
    std::promise<int> promise;
    auto future = promise.get_future();
    measure("future::wait_until(system_clock)", [&] { future.wait_until(Wall::now() + WAIT); });
    measure("future::wait_for", [&] { future.wait_for(WAIT); });
    measure("syscall(SYS_futex, relative)", [] {
        int word = 0;
        timespec time{WAIT / 1s, WAIT % 1s / 1ns};
        syscall(SYS_futex, &word, FUTEX_WAIT, 0, &time, nullptr, 0);
    });
    measure("syscall(SYS_futex)", [] {
        int word = 0;
        auto time = soon(CLOCK_REALTIME);
        syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &time, nullptr, ~0u);
    });
}

static void timer_descriptor(clockid_t clock, int flags, timespec time) {
    int descriptor = timerfd_create(clock, 0);
    itimerspec setting{};
    setting.it_value = time;
    timerfd_settime(descriptor, flags, &setting, nullptr);
    pollfd poller{descriptor, POLLIN, 0};
    poll(&poller, 1, 2 * WAIT.count() + 20'000);
    close(descriptor);
}

static void sleeps_and_timers() {
    measure("clock_nanosleep(absolute)", [] {
        auto time = soon(CLOCK_REALTIME);
        clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &time, nullptr);
    });
    timespec relative{WAIT / 1s, WAIT % 1s / 1ns};
    measure("clock_nanosleep", [&] { clock_nanosleep(CLOCK_REALTIME, 0, &relative, nullptr); });
    measure("nanosleep", [&] { nanosleep(&relative, nullptr); });
    measure("timerfd(absolute)",
            [] { timer_descriptor(CLOCK_REALTIME, TFD_TIMER_ABSTIME, soon(CLOCK_REALTIME)); });
    measure("timerfd", [&] { timer_descriptor(CLOCK_REALTIME, 0, relative); });
    measure("timerfd(monotonic)",
            [] { timer_descriptor(CLOCK_MONOTONIC, TFD_TIMER_ABSTIME, soon(CLOCK_MONOTONIC)); });
    measure("timerfd(repeated)", [&] {
        int descriptor = timerfd_create(CLOCK_MONOTONIC, 0);
        itimerspec setting{relative, relative};
        timerfd_settime(descriptor, 0, &setting, nullptr);
        int epoll = epoll_create1(0);
        epoll_event event{EPOLLIN, {}};
        epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
        epoll_wait(epoll, &event, 1, -1);
        close(epoll);
        close(descriptor);
    });
    measure("thrd_sleep", [&] { thrd_sleep(&relative, nullptr); });
    // Signals of POSIX timers go by real time.
    if (WAIT > 1s) {
        return;
    }
    measure("timer_settime(absolute)", [] {
        sigset_t signals;
        sigemptyset(&signals);
        sigaddset(&signals, SIGUSR1);
        pthread_sigmask(SIG_BLOCK, &signals, nullptr);
        sigevent event{};
        event.sigev_notify = SIGEV_SIGNAL;
        event.sigev_signo = SIGUSR1;
        timer_t timer;
        timer_create(CLOCK_REALTIME, &event, &timer);
        itimerspec setting{};
        setting.it_value = soon(CLOCK_REALTIME);
        timer_settime(timer, TIMER_ABSTIME, &setting, nullptr);
        timespec limit{20, 0};
        sigtimedwait(&signals, nullptr, &limit);
        timer_delete(timer);
    });
}

/// Waits for descriptors of which none becomes ready.
static void descriptors() {
    int millis = WAIT.count();
    timespec time{WAIT / 1s, WAIT % 1s / 1ns};
    measure("poll", [&] { poll(nullptr, 0, millis); });
    measure("ppoll", [&] { ppoll(nullptr, 0, &time, nullptr); });
    measure("select", [] {
        timeval time{WAIT / 1s, WAIT % 1s / 1us};
        select(0, nullptr, nullptr, nullptr, &time);
    });
    measure("pselect", [&] { pselect(0, nullptr, nullptr, nullptr, &time, nullptr); });
    int epoll = epoll_create1(0);
    epoll_event event;
    measure("epoll_wait", [&] { epoll_wait(epoll, &event, 1, millis); });
    sigset_t all;
    sigfillset(&all);
    measure("epoll_pwait(all signals blocked)", [&] { epoll_pwait(epoll, &event, 1, millis, &all); });
    close(epoll);
}

/// Waits on message queues. They are a file system that a container may lack; then it does nothing.
static void message_queues() {
    mq_attr attributes{};
    attributes.mq_maxmsg = 1;
    attributes.mq_msgsize = 1;
    mqd_t queue = mq_open("/kerbox-waits", O_CREAT | O_RDWR, 0600, &attributes);
    if (queue == (mqd_t)-1) {
        return;
    }
    mq_unlink("/kerbox-waits");
    char byte = 0;
    measure("mq_timedreceive", [&] {
        auto time = soon(CLOCK_REALTIME);
        mq_timedreceive(queue, &byte, 1, nullptr, &time);
    });
    mq_send(queue, &byte, 1, 0);
    measure("mq_timedsend", [&] {
        auto time = soon(CLOCK_REALTIME);
        mq_timedsend(queue, &byte, 1, 0, &time);
    });
}

int main() {
    reads();
    fflush(stdout);
    condition_variables();
    locks();
    semaphores_threads_and_futures();
    sleeps_and_timers();
    descriptors();
    message_queues();
    fflush(stdout);
    // Do not join the threads: those that hold locks wait forever.
    _exit(0);
}
