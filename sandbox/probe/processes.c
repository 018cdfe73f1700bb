// Actions on processes: executing, making, outliving and signalling them.
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum {
    MOST_PROCESSES = 4096,
    MOST_THREADS = 4096,
    THREAD_STACK_SIZE = 64 << 10,
    DAEMON_DELAY = 1,         // seconds until the daemon leaves its mark
};

static const char dynamic_loader[] =
#if defined(__x86_64__)
    "/lib64/ld-linux-x86-64.so.2";
#elif defined(__aarch64__)
    "/lib/ld-linux-aarch64.so.1";
#else
#error "the dynamic loader of this architecture is not known"
#endif

// fork, for a child that must not outlive the time limit either; alarms are not inherited.
static pid_t fork_bounded(void) {
    pid_t child = fork();
    if (child == 0) {
        alarm(PROBE_TIME_LIMIT);
    }
    return child;
}

static int report_child(pid_t child) {
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) {
            return report_errno(errno, "waitpid");
        }
    }
    return report_wait_status(status);
}

// ---- execution -----------------------------------------------------------------------------------------------------

// Executes in a child: by path, or by `program` when that is a descriptor. A pipe that closes on success brings errno
// back, so "could not execute" is never confused with the program's own exit status. The program's standard output
// goes to standard error: the report stays one line.
static int execute(int program, const char *path, char **argv) {
    int failure[2];
    if (pipe2(failure, O_CLOEXEC) != 0) {
        return report_errno(errno, "pipe2");
    }
    pid_t child = fork_bounded();
    if (child < 0) {
        return report_errno(errno, "fork");
    }
    if (child == 0) {
        dup2(STDERR_FILENO, STDOUT_FILENO);
        if (program >= 0) {
            syscall(SYS_execveat, program, "", argv, environ, AT_EMPTY_PATH);
        } else {
            execv(path, argv);
        }
        int error = errno;
        (void)!write_fully(failure[1], &error, sizeof error);
        _exit(127);
    }
    close(failure[1]);
    int error = 0;
    ssize_t count = read(failure[0], &error, sizeof error);
    close(failure[0]);
    if (count == (ssize_t)sizeof error) {
        waitpid(child, NULL, 0);
        return report_errno(error, program >= 0 ? "execveat" : "execve");
    }
    return report_child(child);
}

static int exec_action(int count, char **arguments) {
    (void)count;
    return execute(-1, arguments[0], arguments);
}

static int exec_loader_action(int count, char **arguments) {
    enum { MOST = 16 };
    char *argv[MOST + 2] = {(char *)dynamic_loader};
    for (int index = 0; index < count && index < MOST; index++) {
        argv[index + 1] = arguments[index];
    }
    return execute(-1, dynamic_loader, argv);
}

// Copies a program, by default this one, into anonymous memory and executes the copy.
static int exec_memfd_action(int count, char **arguments) {
    const char *path = count > 0 ? arguments[0] : "/proc/self/exe";
    int source = open(path, O_RDONLY | O_CLOEXEC);
    if (source < 0) {
        return report_errno(errno, "open");
    }
    int copy = memfd_create("probe", MFD_CLOEXEC);
    if (copy < 0) {
        return report_errno(errno, "memfd_create");
    }
    static char piece[1 << 16];
    ssize_t size = 0;
    while ((size = read(source, piece, sizeof piece)) > 0) {
        if (write_fully(copy, piece, (size_t)size) != 0) {
            return report_errno(errno, "write");
        }
    }
    if (size < 0) {
        return report_errno(errno, "read");
    }
    close(source);
    // A descriptor that is open for writing makes the execution fail with ETXTBSY.
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", copy);
    int program = open(link, O_RDONLY | O_CLOEXEC);
    if (program < 0) {
        return report_errno(errno, "reopen");
    }
    close(copy);
    char *own_argv[] = {(char *)"sandbox-probe", (char *)"exit", (char *)"0", NULL};
    return execute(program, NULL, count > 0 ? arguments : own_argv);
}

// Runs another action in a child: for actions that may end in a signal.
static int child_action(int count, char **arguments) {
    pid_t child = fork_bounded();
    if (child < 0) {
        return report_errno(errno, "fork");
    }
    if (child == 0) {
        dup2(STDERR_FILENO, STDOUT_FILENO);
        _exit(probe_run(count, arguments));
    }
    return report_child(child);
}

// ---- signals and tracing -------------------------------------------------------------------------------------------

static int kill_action(int count, char **arguments) {
    (void)count;
    // Outside a sandbox this program may be root: the host's process 1 stays out of its reach.
    pid_t target = (pid_t)number_argument(arguments[0], INT32_MAX);
    int signal_number = (int)number_argument(arguments[1], 64);
    if (target == 0 || (target == 1 && signal_number != 0 && geteuid() == 0)) {
        fprintf(stderr, "sandbox-probe: kill takes a process id, and from root not the first process\n");
        return PROBE_USAGE_STATUS;
    }
    return report_result(kill(target, signal_number), "kill");
}

// Signal 0 by default: permission and existence, without an effect.
static int signal_parent_action(int count, char **arguments) {
    int signal_number = count > 0 ? (int)number_argument(arguments[0], 64) : 0;
    pid_t parent = getppid();
    if (parent == 0) {
        // The parent is outside this pid namespace, and 0 would name our own group.
        return report_errno(ESRCH, "ppid=0");
    }
    return kill(parent, signal_number) == 0 ? report_ok("ppid=%d", parent) : report_errno(errno, "ppid=%d", parent);
}

// Seizes a child of its own, or the process that is named, and lets go of it.
static int ptrace_action(int count, char **arguments) {
    pid_t target = count > 0 ? (pid_t)number_argument(arguments[0], INT32_MAX) : fork_bounded();
    if (target < 0) {
        return report_errno(errno, "fork");
    }
    if (target == 0) {
        for (;;) {
            pause();
        }
    }
    long result = ptrace(PTRACE_SEIZE, target, NULL, NULL);
    int error = errno;
    if (count == 0) {
        kill(target, SIGKILL);
        waitpid(target, NULL, 0);
    }
    return result == 0 ? report_ok(NULL) : report_errno(error, "ptrace");
}

static int ignore_term_action(int count, char **arguments) {
    unsigned seconds = count > 0 ? (unsigned)number_argument(arguments[0], PROBE_TIME_LIMIT) : PROBE_TIME_LIMIT;
    for (int number = 1; number < 65; number++) {
        if (number != SIGALRM) {  // the bound stays
            signal(number, SIG_IGN);
        }
    }
    report_ok("ignoring");
    sleep_seconds(seconds);
    return 0;
}

static int stop_self_action(int count, char **arguments) {
    (void)count;
    (void)arguments;
    report_ok("stopping");
    raise(SIGSTOP);
    return 0;
}

static int segv_action(int count, char **arguments) {
    (void)count;
    (void)arguments;
    volatile char *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) {
        return report_errno(errno, "mmap");
    }
    page[0] = 1;
    return report_errno(EDOM, "the write had no consequence");
}

static int exit_action(int count, char **arguments) {
    (void)count;
    return (int)number_argument(arguments[0], 255);
}

// ---- many, long, and left behind -----------------------------------------------------------------------------------

// Makes processes that wait for the end of a pipe which only this one holds open: they end with it, however it ends.
static int fork_count_action(int count, char **arguments) {
    (void)count;
    int wanted = (int)number_argument(arguments[0], MOST_PROCESSES);
    int gate[2];
    if (pipe2(gate, O_CLOEXEC) != 0) {
        return report_errno(errno, "pipe2");
    }
    int made = 0;
    int error = 0;
    for (; made < wanted; made++) {
        pid_t child = fork_bounded();
        if (child < 0) {
            error = errno;
            break;
        }
        if (child == 0) {
            close(gate[1]);
            char byte;
            (void)!read(gate[0], &byte, 1);
            _exit(0);
        }
    }
    close(gate[1]);
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR) {
    }
    return error == 0 ? report_ok("%d", made) : report_errno(error, "%d", made);
}

static void *wait_forever(void *argument) {
    for (;;) {
        pause();
    }
    return argument;
}

static int thread_count_action(int count, char **arguments) {
    (void)count;
    int wanted = (int)number_argument(arguments[0], MOST_THREADS);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, THREAD_STACK_SIZE);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    int made = 0;
    int error = 0;
    for (; made < wanted && error == 0; made += error == 0) {
        pthread_t thread;
        error = pthread_create(&thread, &attributes, wait_forever, NULL);
    }
    return error == 0 ? report_ok("%d", made) : report_errno(error, "%d", made);
}

static int64_t milliseconds(clockid_t clock) {
    struct timespec now = {0};
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int spin_action(int count, char **arguments) {
    (void)count;
    int64_t end = milliseconds(CLOCK_MONOTONIC) + (int64_t)number_argument(arguments[0], PROBE_TIME_LIMIT) * 1000;
    while (milliseconds(CLOCK_MONOTONIC) < end) {
    }
    return report_ok("cpu=%lldms", (long long)milliseconds(CLOCK_PROCESS_CPUTIME_ID));
}

static int sleep_action(int count, char **arguments) {
    (void)count;
    unsigned seconds = (unsigned)number_argument(arguments[0], PROBE_TIME_LIMIT);
    report_ok("sleeping");
    sleep_seconds(seconds);
    return 0;
}

// A grandchild in a session of its own, without any descriptor, that writes a file after the tool is long gone.
static int daemon_action(int count, char **arguments) {
    (void)count;
    pid_t child = fork();
    if (child < 0) {
        return report_errno(errno, "fork");
    }
    if (child == 0) {
        setsid();
        pid_t grandchild = fork_bounded();
        if (grandchild != 0) {
            _exit(grandchild > 0 ? 0 : errno);
        }
        for (int descriptor = 0; descriptor < 1024; descriptor++) {
            close(descriptor);
        }
        sleep_seconds(DAEMON_DELAY);
        int mark = open(arguments[0], O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        if (mark >= 0) {
            (void)!write_fully(mark, "outlived\n", 9);
        }
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return report_errno(WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD, "second fork");
    }
    return report_ok(NULL);
}

// The tool ends at once; a child of it keeps standard output open.
static int hold_stdout_action(int count, char **arguments) {
    (void)count;
    unsigned seconds = (unsigned)number_argument(arguments[0], PROBE_TIME_LIMIT);
    pid_t child = fork_bounded();
    if (child < 0) {
        return report_errno(errno, "fork");
    }
    if (child == 0) {
        setsid();
        sleep_seconds(seconds);
        _exit(0);
    }
    return report_ok("held");
}

const struct probe_command process_commands[] = {
    {"exec", 1, 16, "PATH [ARGUMENT]...", exec_action},
    {"exec-loader", 1, 16, "PATH [ARGUMENT]...", exec_loader_action},
    {"exec-memfd", 0, 16, "[PATH [ARGUMENT]...]", exec_memfd_action},
    {"child", 1, 16, "ACTION [ARGUMENT]...", child_action},
    {"kill", 2, 2, "PID SIGNAL", kill_action},
    {"signal-parent", 0, 1, "[SIGNAL]", signal_parent_action},
    {"ptrace", 0, 1, "[PID]", ptrace_action},
    {"ignore-term", 0, 1, "[SECONDS]", ignore_term_action},
    {"stop-self", 0, 0, "", stop_self_action},
    {"segv", 0, 0, "", segv_action},
    {"exit", 1, 1, "CODE", exit_action},
    {"fork-count", 1, 1, "COUNT", fork_count_action},
    {"thread-count", 1, 1, "COUNT", thread_count_action},
    {"spin", 1, 1, "SECONDS", spin_action},
    {"sleep", 1, 1, "SECONDS", sleep_action},
    {"daemon", 1, 1, "PATH", daemon_action},
    {"hold-stdout", 1, 1, "SECONDS", hold_stdout_action},
    {NULL, 0, 0, NULL, NULL},
};
