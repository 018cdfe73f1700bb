// The tool's process from its clone to execve: its first steps are ours. It shares the init's memory and descriptors until then, so a
// failure is left in memory, and the seccomp listener appears among the init's descriptors without a message.
//
// In a parked sandbox these steps can be taken before the call is there: the tool then waits for it itself, with everything that the
// kernel enforces in force. What it does after that has to pass its own filter: the supervisor has looked (GB_SPEC_PARK_TOOL), and
// nothing of it allocates, opens a file or raises a limit.
#define _GNU_SOURCE
#include "child.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { TOOL_STACK = 64 << 10 };

static char *arguments[GB_MAX_STRINGS + 1], *environment[GB_MAX_STRINGS + 1];
static _Alignas(16) char tool_stack[TOOL_STACK];

// Cleared by the kernel, with a wake-up, when the tool's process lets this memory go: by execve, or by its end.
static _Atomic uint32_t shares_memory;

static void fill_strings(const struct gb_spec_view *spec)
{
    for (uint32_t i = 0; i < spec->header.argv.count; i++) arguments[i] = (char *)(uintptr_t)gb_spec_string(spec, spec->argv[i]);
    for (uint32_t i = 0; i < spec->header.envp.count; i++) environment[i] = (char *)(uintptr_t)gb_spec_string(spec, spec->envp[i]);
    arguments[spec->header.argv.count] = NULL;
    environment[spec->header.envp.count] = NULL;
}

// Returns the errno of the failed search. The candidate always stands in the same buffer: where the filter knows execve by
// its pointer, no other buffer would do.
static int execute(const struct child *child)
{
    const char *name = arguments[0];
    size_t name_length = strlen(name);
    if (name_length == 0) return ENOENT;
    if (name_length >= PROGRAM_PATH_MAX) return ENAMETOOLONG;
    if (strchr(name, '/') != NULL) {
        memcpy(child->program, name, name_length + 1);
        execve(child->program, arguments, environment);
        return errno;
    }
    int refused = ENOENT;
    const char *at = gb_spec_string(child->call, child->call->header.search_path);
    while (*at != '\0') {
        size_t length = strcspn(at, ":");
        if (length > 0 && length + 1 + name_length < PROGRAM_PATH_MAX) {
            memcpy(child->program, at, length);
            child->program[length] = '/';
            memcpy(child->program + length + 1, name, name_length + 1);
            execve(child->program, arguments, environment);
            if (errno == EACCES) refused = EACCES; // a later directory may still hold one that runs
            else if (errno != ENOENT && errno != ENOTDIR) return errno;
        }
        at += length;
        if (*at == ':') at++;
    }
    return refused;
}

static int stop_at(struct child *child, enum gb_stage stage, int failed)
{
    child->stage = stage;
    child->failed = -failed;
    return 1;
}

// What the tool's process is held by. Returns 0, or 1 with the failure in `child`.
static int hold(struct child *child)
{
    const struct gb_spec *spec = &child->spec->header;
    // Own session: no controlling terminal of ours, and the process group that signals go to.
    if (setsid() < 0) return stop_at(child, GB_STAGE_SESSION, -errno);
    if ((spec->flags & GB_SPEC_TERMINAL) && ioctl(0, TIOCSCTTY, 0) < 0) return stop_at(child, GB_STAGE_SESSION, -errno);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL); // a blocked signal would stay blocked in the tool
    passed(child, GB_STAGE_SESSION);

    // After set-up, so that a tight limit cannot break it, and before the filter, which need not allow setrlimit.
    int failed = gb_apply_limits(child->limits, child->started.clamped_hard, &child->detail);
    if (failed) return stop_at(child, GB_STAGE_LIMITS, failed);
    passed(child, GB_STAGE_LIMITS);

    // As late as possible: every path that set-up opens is behind us. Needs no_new_privs, which is set.
    if (spec->flags & GB_SPEC_LANDLOCK) {
        if (syscall(SYS_landlock_restrict_self, child->ruleset, 0) < 0) return stop_at(child, GB_STAGE_LANDLOCK, -errno);
        if (child->narrower >= 0 && syscall(SYS_landlock_restrict_self, child->narrower, 0) < 0)
            return stop_at(child, GB_STAGE_LANDLOCK, -errno);
        passed(child, GB_STAGE_LANDLOCK);
    }
    // Last: it refuses what the steps above are made of.
    if (spec->flags & GB_SPEC_SECCOMP) {
        passed(child, GB_STAGE_SECCOMP);
        int notify = (spec->flags & GB_SPEC_NOTIFY) != 0;
        int installed = gb_install_filter(child->spec, notify);
        if (installed < 0) return stop_at(child, GB_STAGE_SECCOMP, installed);
        if (notify) child->listener = installed;
    }
    return 0;
}

static int run_tool(void *context)
{
    struct child *child = context;
    fill_strings(child->call);
    if (hold(child)) return 1;
    return stop_at(child, GB_STAGE_EXEC, -execute(child));
}

pid_t tool_start(struct child *child)
{
    // CLONE_VFORK: this process sleeps until the tool has executed or given up, so both may share memory and descriptors.
    pid_t tool = clone(run_tool, tool_stack + TOOL_STACK, CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD, child);
    return tool < 0 ? -errno : tool;
}

static int narrows(const struct gb_spec *call)
{
    return call->rlimits.count != 0 || (call->flags & GB_SPEC_LANDLOCK) != 0;
}

static int wait_and_run(void *context)
{
    struct child *child = context;
    static struct gb_spec_view call;
    if (hold(child)) return 1;
    if (park_announce(child->launch->status)) return 1;
    int failed = park_receive(child->launch->status, &child->launch->spec, &call, &child->launch->stdio);
    if (failed == PARK_UNWANTED) {
        child->left = TOOL_UNWANTED;
        return 0;
    }
    if (failed) return stop_at(child, GB_STAGE_REQUEST, failed);
    child->call = &call;
    // A limit and a ruleset come before the filter, which may refuse to set them: the init takes the call to another process. The
    // descriptors are in the table that both share.
    if (narrows(&call.header)) {
        child->left = TOOL_HANDS_BACK;
        return 0;
    }
    memset(child->started.stage_ns, 0, sizeof child->started.stage_ns); // what was done before is no time of the call's
    passed(child, GB_STAGE_REQUEST);
    if ((failed = gb_place_stdio(&child->launch->stdio))) return stop_at(child, GB_STAGE_DESCRIPTORS, failed);
    passed(child, GB_STAGE_DESCRIPTORS);
    child->detail = 1;
    if (chdir(gb_spec_string(&call, call.header.working_directory)) < 0) return stop_at(child, GB_STAGE_CREDENTIALS, -errno);
    fill_strings(&call);
    child->left = TOOL_EXECUTES;
    return stop_at(child, GB_STAGE_EXEC, -execute(child));
}

pid_t tool_park(struct child *child)
{
    // Not CLONE_VFORK: whoever waits for that counts as work that the machine has to do (its load), for as long as the sandbox waits.
    // The kernel says the same by clearing a number; nothing of this process's memory is touched meanwhile.
    atomic_store(&shares_memory, 1);
    const int flags = CLONE_VM | CLONE_FILES | CLONE_CHILD_CLEARTID | SIGCHLD;
    pid_t tool = clone(wait_and_run, tool_stack + TOOL_STACK, flags, child, NULL, NULL, &shares_memory);
    if (tool < 0) return -errno;
    while (atomic_load(&shares_memory) != 0) syscall(SYS_futex, &shares_memory, FUTEX_WAIT, 1u, NULL, NULL, 0);
    return tool;
}
