// Takes the dismantling of a sandbox's mount namespace off the caller's path.
//
// The kernel dismantles a mount namespace when its last user goes, inside that user's exit: 0.1 to 0.3 ms in which nothing of
// the tool lives any more, but its init does not end. A small process of the launcher's holds every namespace a little longer
// than its init and closes it then; the work is done here. It holds nothing else, and what it holds is bounded: beyond that
// an init dismantles its own. As the host's root only: an ordinary user's launcher may not look into a sandbox it made.
#define _GNU_SOURCE
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HELD_MAX = 256 };

static struct {
    struct pollfd inits[HELD_MAX + 1]; // the first is the socket
    int namespaces[HELD_MAX + 1];
    nfds_t count;
} held;

static void release(nfds_t slot)
{
    close(held.inits[slot].fd);
    close(held.namespaces[slot]); // the last user: dismantled in this call
    held.count--;
    held.inits[slot] = held.inits[held.count];
    held.namespaces[slot] = held.namespaces[held.count];
}

// Returns 0, or 1 when the launcher is gone.
static int take(int socket)
{
    char byte;
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))];
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t length = recvmsg(socket, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (length == 0) return 1;
    if (length < 0) return errno != EAGAIN && errno != EINTR;
    struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
    if (rights == NULL) return 0;
    int descriptors[2];
    if (rights->cmsg_len != CMSG_LEN(sizeof descriptors)) {
        // At the limit on open files the kernel gives the first one only; alone it is of no use.
        if (rights->cmsg_len >= CMSG_LEN(sizeof(int))) {
            memcpy(descriptors, CMSG_DATA(rights), sizeof(int));
            close(descriptors[0]);
        }
        return 0;
    }
    memcpy(descriptors, CMSG_DATA(rights), sizeof descriptors);
    held.inits[held.count] = (struct pollfd){.fd = descriptors[0], .events = POLLIN};
    held.namespaces[held.count++] = descriptors[1];
    return 0;
}

static _Noreturn void tidy(int socket)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); // beside the socket's end, which tells as well
    held.inits[0] = (struct pollfd){.fd = socket, .events = POLLIN};
    held.count = 1;
    for (;;) {
        // Full: no more is taken until something was released; the launcher then keeps its namespaces to itself.
        held.inits[0].events = held.count <= HELD_MAX ? POLLIN : 0;
        if (poll(held.inits, held.count, -1) < 0) continue;
        for (nfds_t slot = held.count - 1; slot > 0; slot--)
            if (held.inits[slot].revents != 0) release(slot);
        if (held.inits[0].revents != 0 && held.count <= HELD_MAX && take(socket)) _exit(0);
    }
}

static int start(void)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) return -errno;
    pid_t pid = fork();
    if (pid == 0) {
        const int kept = 4;
        if (ends[1] != kept && dup3(ends[1], kept, O_CLOEXEC) < 0) _exit(1);
        syscall(SYS_close_range, 3u, 3u, 0u);
        syscall(SYS_close_range, 5u, ~0u, 0u);
        tidy(kept);
    }
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return -EAGAIN;
    }
    return ends[0];
}

// A launcher that serves one launch has nothing else to do at its end: it dismantles the namespace by ending itself, after the init
// and beside the supervisor, who has the cgroup to remove.
static int kept_init = -1;
enum { PATIENCE_MS = 10000 }; // a process in uninterruptible sleep dies when its call returns, whoever waits

static int open_namespace(const struct launcher *launcher, pid_t pid)
{
    char path[32];
    size_t at = gb_format_number(path, sizeof path, (uint64_t)pid);
    if (at == 0) return -1;
    memcpy(path + at, "/ns/mnt", 8);
    return openat(launcher->proc, path, O_RDONLY | O_CLOEXEC);
}

void janitor_keep(struct launcher *launcher, pid_t pid, int pidfd)
{
    if (!launcher->is_root || kept_init >= 0) return;
    // Never closed: the end of this process does it. Without the namespace the init dismantles its own.
    if (open_namespace(launcher, pid) >= 0) kept_init = fcntl(pidfd, F_DUPFD_CLOEXEC, 5);
}

void janitor_end(void)
{
    if (kept_init < 0) return;
    // Its tool has ended or its supervisor is gone: it dies as it would by the launcher's end.
    syscall(SYS_pidfd_send_signal, kept_init, SIGKILL, NULL, 0);
    struct pollfd ended = {.fd = kept_init, .events = POLLIN};
    while (poll(&ended, 1, PATIENCE_MS) < 0 && errno == EINTR) {
    }
}

void janitor_hold(struct launcher *launcher, pid_t pid, int pidfd)
{
    if (!launcher->is_root) return;
    // Not for the first launch: a one-shot command's launcher has no second one, and a process costs more than it saves.
    if (launcher->janitor < 0 && launcher->next_serial > 1) launcher->janitor = start();
    if (launcher->janitor < 0) return;
    int namespace = open_namespace(launcher, pid);
    if (namespace < 0) return; // it has ended already
    char byte = 0;
    int descriptors[2] = {pidfd, namespace};
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof descriptors)] = {0};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof descriptors);
    memcpy(CMSG_DATA(rights), descriptors, sizeof descriptors);
    // A busy janitor is not waited for: this sandbox's init then dismantles its namespace itself.
    sendmsg(launcher->janitor, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    close(namespace);
}
