#define _GNU_SOURCE
#include "linux_shims.h"
#include "result.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

int gbx_pidfd_open(int pid)
{
    return (int)gbx_result(syscall(SYS_pidfd_open, pid, 0)); // a pidfd is always close-on-exec
}

int gbx_pidfd_send_signal(int pidfd, int signal)
{
    return (int)gbx_result(syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0));
}

int gbx_pidfd_open_thread(int tid)
{
    // PIDFD_THREAD is O_EXCL; Linux 6.9, and EINVAL before.
    return (int)gbx_result(syscall(SYS_pidfd_open, tid, O_EXCL));
}

int gbx_pidfd_getfd(int pidfd, int fd)
{
    return (int)gbx_result(syscall(SYS_pidfd_getfd, pidfd, fd, 0)); // the copy is always close-on-exec
}

static uint64_t microseconds(struct timeval time)
{
    return (uint64_t)time.tv_sec * 1000000u + (uint64_t)time.tv_usec;
}

int gbx_wait_pidfd(int pidfd, int options, struct gbx_exit *out)
{
    siginfo_t info;
    struct rusage usage;
    memset(&info, 0, sizeof info);
    memset(&usage, 0, sizeof usage);
    memset(out, 0, sizeof *out);
    if (options & ~GBX_WAIT_NOHANG)
        return -EINVAL;
    if (syscall(SYS_waitid, P_PIDFD, pidfd, &info, WEXITED | options, &usage) != 0)
        return -errno;
    if (info.si_pid == 0)
        return 0;
    out->finished = 1;
    out->pid = info.si_pid;
    out->signaled = info.si_code != CLD_EXITED;
    out->value = info.si_status;
    out->core_dumped = info.si_code == CLD_DUMPED;
    out->user_us = microseconds(usage.ru_utime);
    out->system_us = microseconds(usage.ru_stime);
    out->peak_bytes = (uint64_t)usage.ru_maxrss * 1024u;
    return 0;
}

int64_t gbx_read_process_memory(int pid, uint64_t address, void *buffer, size_t count)
{
    struct iovec local = {.iov_base = buffer, .iov_len = count};
    struct iovec remote = {.iov_base = (void *)(uintptr_t)address, .iov_len = count};
    return gbx_result(process_vm_readv(pid, &local, 1, &remote, 1, 0));
}

int gbx_prctl(int option, unsigned long argument)
{
    return (int)gbx_result(prctl(option, argument, 0, 0, 0));
}

int gbx_set_thread_name(const char *name)
{
    return gbx_prctl(PR_SET_NAME, (unsigned long)(uintptr_t)name);
}

int gbx_own_directory(void)
{
    return (int)gbx_result(unshare(CLONE_FS));
}

char **gbx_environment(void)
{
    return environ;
}

int gbx_priority(int pid)
{
    return (int)gbx_result(syscall(SYS_getpriority, PRIO_PROCESS, pid));
}

uint32_t gbx_thread_fsuid(void)
{
    return (uint32_t)syscall(SYS_setfsuid, (uid_t)-1); // -1 is no id: changes nothing, tells the present one
}

uint32_t gbx_thread_fsgid(void)
{
    return (uint32_t)syscall(SYS_setfsgid, (gid_t)-1);
}

int gbx_set_thread_fsuid(uint32_t uid)
{
    if (uid == (uid_t)-1)
        return -EINVAL;
    syscall(SYS_setfsuid, uid);
    return gbx_thread_fsuid() == uid ? 0 : -EPERM;
}

int gbx_set_thread_fsgid(uint32_t gid)
{
    if (gid == (gid_t)-1)
        return -EINVAL;
    syscall(SYS_setfsgid, gid);
    return gbx_thread_fsgid() == gid ? 0 : -EPERM;
}

int gbx_set_thread_groups(size_t count, const uint32_t *groups)
{
    return (int)gbx_result(syscall(SYS_setgroups, count, groups));
}

int gbx_set_thread_effective_user(uint32_t uid)
{
    if (uid == (uid_t)-1)
        return -EINVAL;
    return (int)gbx_result(syscall(SYS_setresuid, (uid_t)-1, uid, (uid_t)-1));
}

int gbx_set_thread_effective_group(uint32_t gid)
{
    if (gid == (gid_t)-1)
        return -EINVAL;
    return (int)gbx_result(syscall(SYS_setresgid, (gid_t)-1, gid, (gid_t)-1));
}

uint32_t gbx_thread_effective_user(void)
{
    return (uint32_t)syscall(SYS_geteuid);
}

uint32_t gbx_thread_effective_group(void)
{
    return (uint32_t)syscall(SYS_getegid);
}

// The posix_spawn functions return the error and leave errno alone.
static int spawn_prepared(const char *path, char *const argv[], int descriptor, int as, posix_spawn_file_actions_t *actions,
                          posix_spawnattr_t *attributes, int *pid)
{
    static char *const no_environment[] = {NULL};
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int error = posix_spawnattr_setsigmask(attributes, &none);
    if (error == 0)
        error = posix_spawnattr_setsigdefault(attributes, &all);
    if (error == 0)
        error = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    // It first: opening /dev/null as 0, 1 or 2 must not overwrite it.
    if (error == 0)
        error = posix_spawn_file_actions_adddup2(actions, descriptor, as); // clears close-on-exec even when it is there already
    if (error == 0)
        error = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
    if (error == 0)
        error = posix_spawn_file_actions_addopen(actions, as == 1 ? 2 : 1, "/dev/null", O_WRONLY, 0);
    if (error == 0)
        error = posix_spawn_file_actions_addclosefrom_np(actions, as == 1 ? 3 : as + 1);
    pid_t child = 0;
    if (error == 0)
        error = posix_spawn(&child, path, actions, attributes, argv, no_environment);
    if (error == 0)
        *pid = child;
    return -error;
}

static int spawn_with(const char *path, char *const argv[], int descriptor, int as, int *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    *pid = 0;
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0)
        return -error;
    error = posix_spawnattr_init(&attributes);
    if (error != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return -error;
    }
    int result = spawn_prepared(path, argv, descriptor, as, &actions, &attributes, pid);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return result;
}

int gbx_spawn(const char *path, char *const argv[], int inherited, int *pid)
{
    return spawn_with(path, argv, inherited, 3, pid);
}

int gbx_spawn_asking(const char *path, char *const argv[], int output, int *pid)
{
    return spawn_with(path, argv, output, 1, pid);
}

int gbx_signalfd(const int *signals, size_t count)
{
    sigset_t set, before;
    sigemptyset(&set);
    for (size_t i = 0; i < count; i++)
        sigaddset(&set, signals[i]);
    int failed = pthread_sigmask(SIG_BLOCK, &set, &before);
    if (failed != 0)
        return -failed;
    int descriptor = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (descriptor >= 0)
        return descriptor;
    failed = -errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL); // without the descriptor the signals must keep their old meaning
    return failed;
}

int gbx_take_signal(int descriptor)
{
    struct signalfd_siginfo info;
    ssize_t length;
    do {
        length = read(descriptor, &info, sizeof info);
    } while (length < 0 && errno == EINTR);
    if (length < 0)
        return -errno;
    return length == (ssize_t)sizeof info ? (int)info.ssi_signo : -EIO;
}
