// The child of a launch: from clone to the tool's exec and on as the sandbox's init.
#define _GNU_SOURCE
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char program_path[PROGRAM_PATH_MAX];

static _Noreturn void give_up(const struct child *child, enum gb_stage stage, int failed, uint32_t detail)
{
    report_failure(child->launch->status, stage, -failed, detail);
    _exit(1);
}

static void wait_at_gate(const struct launcher *launcher, uint32_t serial)
{
    for (;;) {
        uint32_t seen = atomic_load(&launcher->gate->serial);
        if ((int32_t)(seen - serial) >= 0) return;
        syscall(SYS_futex, &launcher->gate->serial, FUTEX_WAIT, seen, NULL, NULL, 0);
    }
}

static int die_with_launcher(const struct launcher *launcher)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0) return -errno;
    // The launcher may have died before the call; its end of the pipe tells, and getppid() in a new pid namespace does not.
    struct pollfd poller = {.fd = launcher->liveness_read, .events = POLLIN};
    if (poll(&poller, 1, 0) != 0) return -EOWNERDEAD;
    return 0;
}

static void send_started(const struct child *child)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)&child->started, .iov_len = sizeof child->started};
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    if (child->listener >= 0) {
        header.msg_control = control;
        header.msg_controllen = sizeof control;
        struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(rights), &child->listener, sizeof child->listener);
    }
    if (sendmsg(child->launch->status, &header, MSG_NOSIGNAL) < 0) _exit(1); // nobody left to supervise the tool
}

// Detaches the bind sources with the caller's own rights: the ordinary user's way (see launch.c for root's).
static void detach_own_sources(struct child *child)
{
    for (uint32_t i = 0; i < child->spec->header.mounts.count; i++) {
        if (child->spec->mounts[i].kind != GB_MOUNT_BIND) continue;
        int tree = gb_detach_source(child->spec, &child->spec->mounts[i], -1);
        if (tree < 0) give_up(child, GB_STAGE_MOUNTS, tree, i);
        child->launch->trees[i] = tree;
    }
}

static void settle(const struct launcher *launcher)
{
    // Until the ids are final the death signal would be lost by the change of credentials, so it is set again later.
    if (die_with_launcher(launcher)) _exit(1);
    close(launcher->liveness_write); // or this child would keep its siblings from seeing the launcher die
    // The launcher ignores SIGCHLD so that ended sandboxes vanish; the init must see its children. No handler exists yet, so
    // blocking it now loses nothing.
    signal(SIGCHLD, SIG_DFL);
    sigset_t child_signal;
    sigemptyset(&child_signal);
    sigaddset(&child_signal, SIGCHLD);
    sigprocmask(SIG_SETMASK, &child_signal, NULL);
    umask(0); // modes in the spec are exact
}

// Before anything is allocated that should count. A thread that moves itself (the 0) needs no global lock; moved by the launcher
// it would cost a grace period. The files were opened by the supervisor, whose right is what counts.
static void join_cgroups(struct child *child)
{
    for (uint32_t i = 0; i < child->launch->cgroup_count; i++)
        if (write(child->launch->cgroups[i], "0", 1) != 1) give_up(child, GB_STAGE_CGROUP, -errno, i);
    // Not with the clone: the root of a cgroup namespace is where its maker stands, which is where the launcher stood then.
    if ((child->spec->header.flags & GB_SPEC_NEW_CGROUP_NS) && unshare(CLONE_NEWCGROUP) < 0)
        give_up(child, GB_STAGE_CGROUP, -errno, UINT32_MAX);
    passed(child, GB_STAGE_CGROUP);
}

// Before any file is made: without a map every inode that this process creates would have no owner (EOVERFLOW).
static int take_ids(const struct launcher *launcher, const struct gb_spec *ids, uint32_t serial)
{
    int failed;
    if (ids->flags & GB_SPEC_MAPPED_BY_LAUNCHER) {
        wait_at_gate(launcher, serial);
    } else {
        prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); // the map files of a non-dumpable process belong to root
        if ((failed = gb_write_own_id_maps(ids))) return failed;
    }
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); // nobody of the same uid may trace a half-built sandbox
    return gb_use_file_ids(ids->inner_uid, ids->inner_gid);
}

// No mount made here may travel back to the host, and pivot_root refuses shared parents.
static int keep_mounts_private(void)
{
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ? -errno : 0;
}

static void build(const struct launcher *launcher, struct child *child);
static void wait_for_call(struct child *child);
static void park_tool(struct child *child);
static _Noreturn void start_and_supervise(struct child *child);

static struct child the_child;

static struct child *begin(struct launch *launch)
{
    the_child = (struct child){.launch = launch, .spec = &launch->spec, .call = &launch->spec, .limits = &launch->spec, .ruleset = -1,
                               .narrower = -1, .own_io = -1, .listener = -1, .program = program_path};
    the_child.started.kind = GB_MESSAGE_STARTED;
    the_child.started.stage_ns[GB_STAGE_REQUEST] = launch->request_ns;
    passed(&the_child, GB_STAGE_CLONE);
    return &the_child;
}

_Noreturn void child_enter(const struct launcher *launcher, struct launch *launch)
{
    struct child *child = begin(launch);
    int failed;
    settle(launcher);
    join_cgroups(child);
    if ((failed = take_ids(launcher, &launch->spec.header, launch->serial))) give_up(child, GB_STAGE_ID_MAP, failed, 0);
    passed(child, GB_STAGE_ID_MAP);
    if ((failed = keep_mounts_private())) give_up(child, GB_STAGE_MOUNTS, failed, UINT32_MAX);
    build(launcher, child);
    if (launch->parks && (launch->spec.header.flags & GB_SPEC_PARK_TOOL)) park_tool(child);
    else if (launch->parks) wait_for_call(child);
    start_and_supervise(child);
}

// What needs only the ids is done before the launch is there, and no time of the launch's: its stages count from the spec on.
_Noreturn void child_wait(const struct launcher *launcher, const struct gb_spec *ids, uint32_t serial, int socket)
{
    static struct launch launch;
    settle(launcher);
    if (take_ids(launcher, ids, serial) || keep_mounts_private()) _exit(1); // the launch gets a process of its own and says why
    const char ready = 0;
    if (send(socket, &ready, 1, MSG_NOSIGNAL) != 1 || prepare_receive(socket, &launch)) _exit(1);
    if (ids->flags & GB_SPEC_MAPPED_BY_LAUNCHER) launch.trees_from = socket;
    else close(socket);
    struct child *child = begin(&launch);
    passed(child, GB_STAGE_ID_MAP);
    join_cgroups(child);
    build(launcher, child);
    start_and_supervise(child);
}

// Everything that one sandbox needs whatever runs in it.
static void build(const struct launcher *launcher, struct child *child)
{
    struct launch *launch = child->launch;
    const struct gb_spec *spec = &launch->spec.header;
    int mapped_by_launcher = (spec->flags & GB_SPEC_MAPPED_BY_LAUNCHER) != 0;
    int failed;
    child->started.enforced |= GB_ENFORCED_NAMESPACES;
    if (launch->shares_network) child->started.enforced |= GB_ENFORCED_SHARED_NETWORK;

    // Descriptors early: what follows opens files, and none may land on 0 to 3.
    failed = launch->parks ? park_begin(launch->cgroups, &launch->cgroup_count) : gb_place_stdio(&launch->stdio);
    if (failed) give_up(child, GB_STAGE_DESCRIPTORS, failed, 0);
    passed(child, GB_STAGE_DESCRIPTORS);

    const char *hostname = gb_spec_string(&launch->spec, spec->hostname);
    if (sethostname(hostname, strlen(hostname)) < 0) give_up(child, GB_STAGE_NETWORK, -errno, 0);
    if (spec->flags & GB_SPEC_LOOPBACK) {
        if ((failed = gb_raise_loopback())) give_up(child, GB_STAGE_NETWORK, failed, 1);
        child->started.enforced |= GB_ENFORCED_LOOPBACK;
    }
    passed(child, GB_STAGE_NETWORK);

    if (!mapped_by_launcher) detach_own_sources(child); // before the new root covers any of them
    uint32_t detail = 0;
    if ((failed = launch->root >= 0 ? gb_start_root_from(launch->root) : gb_start_root(&launch->spec)))
        give_up(child, GB_STAGE_MOUNTS, failed, UINT32_MAX);
    uint32_t first = launch->root >= 0 ? spec->template_count : 0;
    uint32_t binds = first; // what is made stands before the first bind
    while (binds < spec->mounts.count && launch->spec.mounts[binds].kind != GB_MOUNT_BIND) binds++;
    if ((failed = gb_carry_out(&launch->spec, first, binds, launch->trees, &detail, &child->started.skipped)))
        give_up(child, GB_STAGE_MOUNTS, failed, detail);
    if (launch->trees_from > 0) {
        if (prepare_receive_trees(launch->trees_from, launch)) _exit(1); // the launcher says why
        close(launch->trees_from);
    }
    if ((failed = gb_carry_out(&launch->spec, binds, spec->mounts.count, launch->trees, &detail, &child->started.skipped)))
        give_up(child, GB_STAGE_MOUNTS, failed, detail);
    if (spec->flags & GB_SPEC_MEMFD_NOEXEC) child->started.enforced |= GB_ENFORCED_MEMFD_NOEXEC; // done with the proc mount
    passed(child, GB_STAGE_MOUNTS);
    // All attached. They must not stay open: the tool starts with this table, and its limit may be lower than their number.
    for (uint32_t i = 0; i < spec->mounts.count; i++)
        if (launch->trees[i] >= 0) close(launch->trees[i]);
    if ((failed = gb_enter_root())) give_up(child, GB_STAGE_PIVOT, failed, 0);
    child->started.enforced |= GB_ENFORCED_ROOT | (launch->root >= 0 ? GB_ENFORCED_TEMPLATE : 0u);
    passed(child, GB_STAGE_PIVOT);

    // After the mounts, which need the capabilities of the namespace; before anything that acts for the tool.
    if ((failed = gb_become(spec->inner_uid, spec->inner_gid))) give_up(child, GB_STAGE_CREDENTIALS, failed, 0);
    if ((failed = die_with_launcher(launcher))) _exit(1); // the change of ids has cleared the death signal
    passed(child, GB_STAGE_CREDENTIALS);
    if ((failed = gb_drop_capabilities())) give_up(child, GB_STAGE_CAPABILITIES, failed, 0);
    child->started.enforced |= GB_ENFORCED_CAPABILITIES;
    passed(child, GB_STAGE_CAPABILITIES);
    if ((failed = gb_forbid_new_privileges())) give_up(child, GB_STAGE_NO_NEW_PRIVS, failed, 0);
    child->started.enforced |= GB_ENFORCED_NO_NEW_PRIVS;
    passed(child, GB_STAGE_NO_NEW_PRIVS);

    if (spec->flags & GB_SPEC_LANDLOCK) {
        child->ruleset = gb_build_ruleset(&launch->spec, &detail, &child->started.skipped);
        if (child->ruleset < 0) give_up(child, GB_STAGE_LANDLOCK, child->ruleset, detail);
    }
    if (spec->exec_page != 0) {
        void *wanted = (void *)(uintptr_t)spec->exec_page;
        void *page = mmap(wanted, PROGRAM_PATH_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        if (page != wanted) give_up(child, GB_STAGE_EXEC, page == MAP_FAILED ? -errno : -EEXIST, 0);
        child->program = page;
    }
    // What the init may read of itself later is opened while it can be: the files of a process that is not dumpable are root's.
    // Nothing of the tool lives yet.
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    child->own_io = open("/proc/self/io", O_RDONLY | O_CLOEXEC);
    // Without it what ended processes wrote would count as nothing. A kernel that counts no writes has no such file.
    if (child->own_io < 0 && errno != ENOENT) give_up(child, GB_STAGE_LIMITS, -errno, 0);
    if (child->own_io >= 0) child->started.enforced |= GB_ENFORCED_WRITE_COUNT;
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

// The sandbox stands, and nobody of the tool's is in it.
static void settle_descriptors(struct child *child)
{
    int *kept[] = {&child->launch->status, &child->ruleset, &child->own_io};
    int failed = park_settle(kept, sizeof kept / sizeof *kept);
    if (failed) give_up(child, GB_STAGE_DESCRIPTORS, failed, 0);
}

// What the call brings can only narrow the sandbox: checked in the spec, and by what it is made of, since this process has no
// capability any more.
static void accept_call(struct child *child, const struct gb_spec_view *call)
{
    struct launch *launch = child->launch;
    memset(child->started.stage_ns, 0, sizeof child->started.stage_ns); // what was built before is no time of the call's
    passed(child, GB_STAGE_REQUEST);
    int failed = gb_place_stdio(&launch->stdio);
    if (failed) give_up(child, GB_STAGE_DESCRIPTORS, failed, 0);
    passed(child, GB_STAGE_DESCRIPTORS);
    child->call = call;
    if (call->header.rlimits.count != 0) child->limits = call;
    if (call->header.flags & GB_SPEC_LANDLOCK) {
        uint32_t detail = 0;
        child->narrower = gb_build_ruleset(call, &detail, &child->started.skipped);
        if (child->narrower < 0) give_up(child, GB_STAGE_LANDLOCK, child->narrower, detail);
    }
}

static void wait_for_call(struct child *child)
{
    static struct gb_spec_view call;
    struct launch *launch = child->launch;
    settle_descriptors(child);
    if (park_announce(launch->status)) _exit(1);
    int failed = park_receive(launch->status, &launch->spec, &call, &launch->stdio);
    if (failed == PARK_UNWANTED) _exit(0);
    if (failed) give_up(child, GB_STAGE_REQUEST, failed, 0);
    accept_call(child, &call);
}

static _Noreturn void supervise(struct child *child, pid_t tool);

// The tool's process waits for the call, as far advanced as it can be. Returns when the call is one that has to be started from here.
static void park_tool(struct child *child)
{
    settle_descriptors(child);
    umask(022); // the tool's: it has its own from the clone on
    pid_t tool = tool_park(child);
    if (tool < 0) give_up(child, GB_STAGE_SUPERVISE, tool, 0);
    if (child->failed) give_up(child, child->stage, -child->failed, child->detail);
    if (child->left == TOOL_EXECUTES) supervise(child, tool);
    if (child->left == TOOL_UNWANTED) _exit(0);
    if (child->left != TOOL_HANDS_BACK) _exit(1);
    // Nothing of it may be left when the next one starts: neither the process nor the filter's other end.
    while (waitpid(tool, NULL, 0) < 0 && errno == EINTR) {
    }
    if (child->listener >= 0) close(child->listener);
    child->listener = -1;
    accept_call(child, child->call);
}

static _Noreturn void start_and_supervise(struct child *child)
{
    // With the tool's own ids: a directory that it may not enter is refused here, not later.
    const char *directory = gb_spec_string(child->call, child->call->header.working_directory);
    if (chdir(directory) < 0) give_up(child, GB_STAGE_CREDENTIALS, -errno, 1);
    umask(022);
    pid_t tool = tool_start(child);
    if (tool < 0) give_up(child, GB_STAGE_SUPERVISE, tool, 0);
    if (child->failed) give_up(child, child->stage, -child->failed, child->detail);
    supervise(child, tool);
}

static _Noreturn void supervise(struct child *child, pid_t tool)
{
    const struct gb_spec *spec = &child->spec->header;
    passed(child, GB_STAGE_EXEC);
    child->started.pid = tool;
    child->started.enforced |= GB_ENFORCED_LIMITS;
    if (spec->flags & GB_SPEC_LANDLOCK) child->started.enforced |= GB_ENFORCED_LANDLOCK;
    if (spec->flags & GB_SPEC_SECCOMP) child->started.enforced |= GB_ENFORCED_SECCOMP;
    if (child->listener >= 0) child->started.enforced |= GB_ENFORCED_LISTENER;
    for (uint32_t i = 0; i < child->limits->header.rlimits.count; i++)
        if (child->started.clamped_hard[i] != UINT64_MAX) child->started.enforced |= GB_ENFORCED_CLAMPED;
    send_started(child);

    if (gb_close_all_but(child->launch->status, child->own_io) < 0) _exit(1);
    gb_run_init(4, child->own_io < 0 ? -1 : 5, tool);
}
