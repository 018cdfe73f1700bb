#include "probe.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const struct probe_command *const tables[] = {
    file_commands,    network_commands, process_commands,  identity_commands,
    syscall_commands, memory_commands,  terminal_commands, channel_commands, parked_commands,
};
enum { TABLE_COUNT = sizeof tables / sizeof tables[0] };

static void usage(FILE *stream) {
    fprintf(stream, "usage: sandbox-probe ACTION [ARGUMENT]...\n");
    for (size_t table = 0; table < TABLE_COUNT; table++) {
        for (const struct probe_command *command = tables[table]; command->name != NULL; command++) {
            fprintf(stream, "  %s%s%s\n", command->name, command->arguments[0] != '\0' ? " " : "", command->arguments);
        }
    }
}

int probe_run(int count, char **arguments) {
    for (size_t table = 0; count > 0 && table < TABLE_COUNT; table++) {
        for (const struct probe_command *command = tables[table]; command->name != NULL; command++) {
            if (strcmp(command->name, arguments[0]) != 0) {
                continue;
            }
            if (count - 1 < command->least || count - 1 > command->most) {
                fprintf(stderr, "usage: sandbox-probe %s %s\n", command->name, command->arguments);
                return PROBE_USAGE_STATUS;
            }
            return command->run(count - 1, arguments + 1);
        }
    }
    usage(stderr);
    return PROBE_USAGE_STATUS;
}

// ---- report --------------------------------------------------------------------------------------------------------

int write_fully(int descriptor, const void *bytes, size_t count) {
    const char *next = bytes;
    while (count > 0) {
        ssize_t written = write(descriptor, next, count);
        if (written < 0) {
            if (errno == EINTR) {
                continue;
            }
            return -1;
        }
        next += written;
        count -= (size_t)written;
    }
    return 0;
}

static int report_line(const char *head, const char *format, va_list values) {
    static char detail[PROBE_LINE_SIZE];
    static char line[PROBE_LINE_SIZE];
    static const char digits[] = "0123456789abcdef";
    size_t length = (size_t)snprintf(line, sizeof line, "%s", head);
    if (format != NULL) {
        vsnprintf(detail, sizeof detail, format, values);
        line[length++] = ' ';
        // Five bytes stay free: the longest escape and the newline.
        for (const char *next = detail; *next != '\0' && length + 5 < sizeof line; next++) {
            unsigned char byte = (unsigned char)*next;
            if (byte >= ' ' && byte < 0x7f && byte != '\\') {
                line[length++] = (char)byte;
            } else {
                line[length++] = '\\';
                line[length++] = 'x';
                line[length++] = digits[byte >> 4];
                line[length++] = digits[byte & 15];
            }
        }
    }
    line[length++] = '\n';
    // A closed or full standard output is the caller's choice, not a failure of the action.
    (void)!write_fully(STDOUT_FILENO, line, length);
    return 0;
}

const char *error_name(int error) {
    const char *name = strerrorname_np(error);
    return name != NULL ? name : "UNKNOWN";
}

int report_ok(const char *format, ...) {
    va_list values;
    va_start(values, format);
    int status = report_line("ok", format, values);
    va_end(values);
    return status;
}

int report_errno(int error, const char *format, ...) {
    char head[64];
    snprintf(head, sizeof head, "errno %s", error_name(error));
    va_list values;
    va_start(values, format);
    int status = report_line(head, format, values);
    va_end(values);
    return status;
}

int report_result(long result, const char *step) {
    int error = errno;
    return result >= 0 ? report_ok(NULL) : report_errno(error, "%s", step);
}

int report_wait_status(int status) {
    if (WIFSIGNALED(status)) {
        const char *name = sigabbrev_np(WTERMSIG(status));
        return report_ok("signaled SIG%s", name != NULL ? name : "UNKNOWN");
    }
    return report_ok("exited %d", WEXITSTATUS(status));
}

// ---- arguments -----------------------------------------------------------------------------------------------------

uint64_t number_argument(const char *text, uint64_t most) {
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 0);
    if (errno != 0 || end == text || *end != '\0' || value > most) {
        fprintf(stderr, "sandbox-probe: %s is not a number up to %llu\n", text, (unsigned long long)most);
        exit(PROBE_USAGE_STATUS);
    }
    return value;
}

uint64_t namespace_argument(const char *text) {
    static const struct {
        const char *name;
        uint64_t flag;
    } names[] = {
        {"user", CLONE_NEWUSER}, {"pid", CLONE_NEWPID}, {"net", CLONE_NEWNET},       {"mnt", CLONE_NEWNS},
        {"ipc", CLONE_NEWIPC},   {"uts", CLONE_NEWUTS}, {"cgroup", CLONE_NEWCGROUP}, {"time", 0x80 /* CLONE_NEWTIME */},
    };
    if (text[0] >= '0' && text[0] <= '9') {
        return number_argument(text, UINT64_MAX);
    }
    uint64_t flags = 0;
    while (*text != '\0') {
        size_t length = strcspn(text, ",");
        uint64_t flag = 0;
        for (size_t index = 0; index < sizeof names / sizeof names[0]; index++) {
            if (strlen(names[index].name) == length && strncmp(names[index].name, text, length) == 0) {
                flag = names[index].flag;
            }
        }
        if (flag == 0) {
            fprintf(stderr, "sandbox-probe: unknown namespace in %s\n", text);
            exit(PROBE_USAGE_STATUS);
        }
        flags |= flag;
        text += length + (text[length] == ',');
    }
    return flags;
}

void sleep_seconds(unsigned seconds) {
    struct timespec left = {.tv_sec = (time_t)seconds};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

int main(int count, char **arguments) {
    alarm(PROBE_TIME_LIMIT);
    // The errors EPIPE and EFBIG say more than the signals that come with them.
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    if (count == 2 && strcmp(arguments[1], "--help") == 0) {
        usage(stdout);
        return 0;
    }
    return probe_run(count - 1, arguments + 1);
}
