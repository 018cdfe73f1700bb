// sandbox-probe: one action per invocation, one line about what came of it.
//
// The line on standard output is `ok [detail]` or `errno NAME [detail]`, and the exit status is 0 either way, so that a
// test can run the same action outside and inside a sandbox and compare the two lines. Exit status 64 means that the
// command line was wrong. Every action is bounded: in amount by a cap of its own, in time by an alarm.
#ifndef SANDBOX_PROBE_H
#define SANDBOX_PROBE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include <stdint.h>
#include <sys/types.h>

enum {
    PROBE_USAGE_STATUS = 64,  // EX_USAGE
    PROBE_TIME_LIMIT = 60,    // seconds; no action lives longer
    PROBE_LINE_SIZE = 65536,  // bytes of one report line, terminator included; a longer detail is cut
};

// One action. `run` gets the arguments that follow the action's name and returns the exit status.
struct probe_command {
    const char *name;
    int least;  // arguments
    int most;
    const char *arguments;  // for the usage text
    int (*run)(int count, char **arguments);
};

// Each table ends with an entry without a name.
extern const struct probe_command file_commands[];
extern const struct probe_command network_commands[];
extern const struct probe_command process_commands[];
extern const struct probe_command identity_commands[];
extern const struct probe_command syscall_commands[];
extern const struct probe_command memory_commands[];
extern const struct probe_command terminal_commands[];
extern const struct probe_command channel_commands[];
extern const struct probe_command parked_commands[];

// Finds and runs an action; used again by actions that run another one in a child.
int probe_run(int count, char **arguments);

// The report. Bytes outside printable ASCII and backslashes in the detail are written as \xNN; `format` may be NULL.
int report_ok(const char *format, ...) __attribute__((format(printf, 1, 2)));
int report_errno(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));
// `ok` when `result` is not negative, else `errno` with the step that failed. Call it while errno is still fresh.
int report_result(long result, const char *step);
// How a child ended: `ok exited CODE` or `ok signaled NAME`.
int report_wait_status(int status);

// Arguments. A malformed one, or one above `most`, ends the program with PROBE_USAGE_STATUS.
uint64_t number_argument(const char *text, uint64_t most);
// A number, or names of namespaces joined by commas: user, pid, net, mnt, ipc, uts, cgroup, time.
uint64_t namespace_argument(const char *text);

// Sleeps that long although signals arrive.
void sleep_seconds(unsigned seconds);
// Writes everything; -1 with errno set on failure.
int write_fully(int descriptor, const void *bytes, size_t count);
// The error's symbol, such as EACCES.
const char *error_name(int error);

#endif
