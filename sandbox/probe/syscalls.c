// Actions on the system call interface itself: raw numbers, foreign architectures, namespaces, dangerous calls.
#include "probe.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_VIOLATIONS = 1000000 };

// Errors are told from results as the kernel does, so that calls which return large values are shown right.
static int report_raw(long result) {
    return result == -1 ? report_errno(errno, NULL) : report_ok("%#lx", (unsigned long)result);
}

static int syscall_action(int count, char **arguments) {
    long value[7] = {0};
    for (int index = 0; index < count; index++) {
        value[index] = (long)number_argument(arguments[index], UINT64_MAX);
    }
    errno = 0;
    return report_raw(syscall(value[0], value[1], value[2], value[3], value[4], value[5], value[6]));
}

#if defined(__x86_64__)
enum {
    GETPID_32 = 20,
    X32_BIT = 0x40000000,
};

// The 32-bit entry: the same number means another call there, so a filter that does not look at the architecture is blind.
static int int80_action(int count, char **arguments) {
    (void)count;
    (void)arguments;
    long result = GETPID_32;
    // The kernel clears r8 to r11 on this entry.
    __asm__ volatile("int $0x80" : "+a"(result) : : "r8", "r9", "r10", "r11", "memory", "cc");
    return result < 0 ? report_errno((int)-result, "int80") : report_ok("%ld", result);
}

static int x32_action(int count, char **arguments) {
    (void)count;
    (void)arguments;
    return report_raw(syscall(SYS_getpid | (long)X32_BIT));
}
#else
static int int80_action(int count, char **arguments) {
    (void)count;
    (void)arguments;
    return report_errno(ENOSYS, "x86-64 only");
}

static int x32_action(int count, char **arguments) {
    return int80_action(count, arguments);
}
#endif

static int finish_child(long child, const char *step) {
    if (child < 0) {
        return report_errno(errno, "%s", step);
    }
    if (child == 0) {
        _exit(0);
    }
    int status = 0;
    while (waitpid((pid_t)child, &status, 0) < 0 && errno == EINTR) {
    }
    return report_ok(NULL);
}

static int clone_ns_action(int count, char **arguments) {
    (void)count;
    unsigned long flags = (unsigned long)namespace_argument(arguments[0]);
    if ((flags & (CLONE_VM | CLONE_THREAD | CLONE_SIGHAND)) != 0) {
        fprintf(stderr, "sandbox-probe: clone-ns makes processes with memory of their own only\n");
        return PROBE_USAGE_STATUS;
    }
    return finish_child(syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0), "clone");
}

static int clone3_with(uint64_t flags) {
    struct clone_args request = {.flags = flags, .exit_signal = SIGCHLD};
    return finish_child(syscall(SYS_clone3, &request, sizeof request), "clone3");
}

static int clone3_action(int count, char **arguments) {
    (void)count;
    (void)arguments;
    return clone3_with(0);
}

static int clone3_user_action(int count, char **arguments) {
    (void)count;
    (void)arguments;
    return clone3_with(CLONE_NEWUSER);
}

static int unshare_action(int count, char **arguments) {
    (void)count;
    return report_result(unshare((int)namespace_argument(arguments[0])), "unshare");
}

static int prctl_action(int count, char **arguments) {
    unsigned long value[5] = {0};
    for (int index = 0; index < count; index++) {
        value[index] = number_argument(arguments[index], UINT64_MAX);
    }
    return report_raw(prctl((int)value[0], value[1], value[2], value[3], value[4]));
}

// The argument is hexadecimal, with or without 0x.
static int personality_action(int count, char **arguments) {
    (void)count;
    const char *digits = strncmp(arguments[0], "0x", 2) == 0 ? arguments[0] + 2 : arguments[0];
    char text[32];
    snprintf(text, sizeof text, "0x%.24s", digits);
    return report_raw(personality(number_argument(text, UINT32_MAX)));
}

// A harmless keyctl call, again and again: asks for the id of the session keyring.
static int flood_violations_action(int count, char **arguments) {
    (void)count;
    int wanted = (int)number_argument(arguments[0], MOST_VIOLATIONS);
    int failures = 0;
    int error = 0;
    for (int index = 0; index < wanted; index++) {
        if (syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0) < 0) {
            error = errno;
            failures++;
        }
    }
    return failures == 0 ? report_ok("%d", wanted) : report_errno(error, "%d", failures);
}

const struct probe_command syscall_commands[] = {
    {"syscall", 1, 7, "NUMBER [ARGUMENT]...", syscall_action},
    {"int80", 0, 0, "", int80_action},
    {"x32", 0, 0, "", x32_action},
    {"clone-ns", 1, 1, "FLAGS|NAME,...", clone_ns_action},
    {"clone3", 0, 0, "", clone3_action},
    {"clone3-user", 0, 0, "", clone3_user_action},
    {"unshare", 1, 1, "FLAGS|NAME,...", unshare_action},
    {"prctl", 1, 5, "OPTION [ARGUMENT]...", prctl_action},
    {"personality", 1, 1, "HEX", personality_action},
    {"flood-violations", 1, 1, "COUNT", flood_violations_action},
    {NULL, 0, 0, NULL, NULL},
};
