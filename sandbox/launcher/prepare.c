// Makes the process of the next launch before its spec is there.
//
// Cloning eight namespaces takes longer than everything that a supervisor still has to work out when it starts this launcher, and
// needs nothing of it but the ids. So a supervisor that will launch soon says so, and the clone happens beside its work. The
// prepared process holds no file of the run, has not joined its cgroup and has touched no mount but the propagation of its own
// namespace; it waits for the spec and goes on as any other child does. It serves one launch, or none: then it is killed.
#define _GNU_SOURCE
#include "launch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// Detached sources that travel in one message beside the request's own descriptors (the kernel takes 253).
enum { HANDED_MAX = 240 };

struct handover {
    uint32_t spec_size;
    uint32_t has_channel;
    uint32_t cgroup_count;
    uint32_t has_root;
    uint64_t began_ns;
    uint64_t request_ns;
};

static struct {
    int socket; // 0: nothing is prepared
    int pidfd;
    pid_t pid;
    struct gb_preparation asked;
} prepared;

static _Alignas(8) uint8_t message[sizeof(struct handover) + GB_INLINE_SPEC_MAX];
static _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * HANDED_MAX)];

static struct gb_spec ids_of(const struct gb_preparation *asked)
{
    return (struct gb_spec){.flags = asked->spec_flags, .inner_uid = asked->inner_uid, .inner_gid = asked->inner_gid,
                            .outer_uid = asked->outer_uid, .outer_gid = asked->outer_gid};
}

void prepare_discard(void)
{
    if (prepared.socket == 0) return;
    syscall(SYS_pidfd_send_signal, prepared.pidfd, SIGKILL, NULL, 0);
    struct pollfd ended = {.fd = prepared.pidfd, .events = POLLIN};
    while (poll(&ended, 1, -1) < 0 && errno == EINTR) {
    }
    close(prepared.pidfd);
    close(prepared.socket);
    prepared.socket = 0;
}

void prepare_run(struct launcher *launcher, const struct gb_preparation *asked)
{
    prepare_discard();
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) return;
    struct gb_spec ids = ids_of(asked);
    uint32_t serial = ++launcher->next_serial;
    int pidfd = -1;
    long pid = clone_child(&ids, -1, 0, &pidfd);
    if (pid == 0) {
        close(ends[0]);
        child_wait(launcher, &ids, serial, ends[1]);
    }
    close(ends[1]);
    if (pid < 0) { // the launch itself will say why
        close(ends[0]);
        return;
    }
    prepared.socket = ends[0];
    prepared.pidfd = pidfd;
    prepared.pid = (pid_t)pid;
    prepared.asked = *asked;
    if ((ids.flags & GB_SPEC_MAPPED_BY_LAUNCHER) && gb_write_id_maps(launcher->proc, (pid_t)pid, &ids) < 0) prepare_discard();
    else open_gate(launcher, serial);
}

static int fits(const struct launch *launch)
{
    const uint32_t compared = GB_SPEC_MAPPED_BY_LAUNCHER | GB_SPEC_NEW_TIME_NS;
    const struct gb_spec *spec = &launch->spec.header;
    const struct gb_preparation *asked = &prepared.asked;
    uint32_t binds = 0;
    for (uint32_t i = 0; i < spec->mounts.count; i++)
        if (launch->spec.mounts[i].kind == GB_MOUNT_BIND) binds++;
    return binds <= HANDED_MAX && launch->cgroup_v2 < 0 && spec->size <= GB_INLINE_SPEC_MAX &&
           (spec->flags & compared) == asked->spec_flags &&
           spec->inner_uid == asked->inner_uid && spec->inner_gid == asked->inner_gid && spec->outer_uid == asked->outer_uid &&
           spec->outer_gid == asked->outer_gid;
}

// The prepared process says one byte when it waits; it ends without a word when it could not get that far.
static int is_ready(void)
{
    char byte;
    ssize_t length;
    do {
        length = recv(prepared.socket, &byte, 1, 0);
    } while (length < 0 && errno == EINTR);
    return length == 1;
}

static int send_descriptors(const struct iovec *parts, size_t part_count, const int *handed, uint32_t count)
{
    struct msghdr header = {.msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = part_count};
    if (count > 0) {
        header.msg_control = control;
        header.msg_controllen = CMSG_SPACE(sizeof(int) * count);
        memset(control, 0, header.msg_controllen);
        struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof(int) * count);
        memcpy(CMSG_DATA(rights), handed, sizeof(int) * count);
    }
    return sendmsg(prepared.socket, &header, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int hand_over(const struct launch *launch)
{
    struct handover head = {.spec_size = launch->spec.header.size, .has_channel = launch->stdio.channel >= 0,
                            .cgroup_count = launch->cgroup_count, .has_root = launch->root >= 0,
                            .began_ns = launch->began_ns, .request_ns = launch->request_ns};
    int handed[6 + GB_MAX_CGROUPS];
    uint32_t count = 0;
    handed[count++] = launch->status;
    handed[count++] = launch->stdio.input;
    handed[count++] = launch->stdio.output;
    handed[count++] = launch->stdio.error;
    if (head.has_channel) handed[count++] = launch->stdio.channel;
    for (uint32_t i = 0; i < launch->cgroup_count; i++) handed[count++] = launch->cgroups[i];
    if (head.has_root) handed[count++] = launch->root;
    struct iovec parts[2] = {{&head, sizeof head}, {(void *)(uintptr_t)launch->spec_bytes, head.spec_size}};
    return send_descriptors(parts, 2, handed, count);
}

pid_t prepare_take(const struct launch *launch, int *pidfd)
{
    if (prepared.socket == 0 || launch->parks) return 0; // it is for the next call, not for one that may come
    if (!fits(launch) || !is_ready() || hand_over(launch) < 0) {
        prepare_discard();
        return 0;
    }
    *pidfd = prepared.pidfd;
    return prepared.pid;
}

int prepare_was_only(void)
{
    return (prepared.asked.flags & GB_PREPARE_ONLY_LAUNCH) != 0;
}

int prepare_finish(const struct launch *launch)
{
    int handed[HANDED_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < launch->spec.header.mounts.count; i++)
        if (launch->trees[i] >= 0) handed[count++] = launch->trees[i]; // fits() has counted them
    struct iovec part = {&count, sizeof count};
    int failed = launch->spec.header.flags & GB_SPEC_MAPPED_BY_LAUNCHER ? send_descriptors(&part, 1, handed, count) : 0;
    close(prepared.socket);
    prepared.socket = 0;
    return failed;
}

static ssize_t receive(int socket, struct msghdr *header)
{
    ssize_t length;
    do {
        length = recvmsg(socket, header, MSG_CMSG_CLOEXEC);
    } while (length < 0 && errno == EINTR);
    return header->msg_flags & (MSG_TRUNC | MSG_CTRUNC) ? -1 : length;
}

static uint32_t descriptors_of(struct msghdr *header, int *handed)
{
    struct cmsghdr *rights = CMSG_FIRSTHDR(header);
    if (rights == NULL || rights->cmsg_type != SCM_RIGHTS) return 0;
    uint32_t count = (uint32_t)((rights->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    memcpy(handed, CMSG_DATA(rights), sizeof(int) * count);
    return count;
}

// In the prepared process: the launch that the launcher hands over, without the sources.
int prepare_receive(int socket, struct launch *launch)
{
    struct iovec part = {.iov_base = message, .iov_len = sizeof message};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t length = receive(socket, &header);
    struct handover head;
    if (length < (ssize_t)sizeof head) return -EPROTO; // the launcher wants nothing of us, or is gone
    memcpy(&head, message, sizeof head);
    int handed[HANDED_MAX];
    uint32_t count = descriptors_of(&header, handed), taken = 0;
    if (head.cgroup_count > GB_MAX_CGROUPS || length - (ssize_t)sizeof head != (ssize_t)head.spec_size ||
        count != 4 + (head.has_channel != 0) + head.cgroup_count + (head.has_root != 0))
        return -EPROTO;
    memset(launch, 0, sizeof *launch);
    for (uint32_t i = 0; i < GB_MAX_MOUNTS; i++) launch->trees[i] = -1;
    launch->cgroup_v2 = -1;
    launch->began_ns = head.began_ns;
    launch->request_ns = head.request_ns;
    const char *where = "";
    int failed = gb_spec_read(message + sizeof head, head.spec_size, &launch->spec, &where);
    if (failed) return failed;
    launch->status = handed[taken++];
    launch->stdio.input = handed[taken++];
    launch->stdio.output = handed[taken++];
    launch->stdio.error = handed[taken++];
    launch->stdio.channel = head.has_channel ? handed[taken++] : -1;
    launch->cgroup_count = head.cgroup_count;
    for (uint32_t i = 0; i < head.cgroup_count; i++) launch->cgroups[i] = handed[taken++];
    launch->root = head.has_root ? handed[taken++] : -1;
    return 0;
}

// The sources in the order of the mounts, detached by root's launcher meanwhile.
int prepare_receive_trees(int socket, struct launch *launch)
{
    uint32_t said = 0, taken = 0;
    struct iovec part = {.iov_base = &said, .iov_len = sizeof said};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    if (receive(socket, &header) != sizeof said) return -EPROTO; // the launcher has reported why
    int handed[HANDED_MAX];
    uint32_t count = descriptors_of(&header, handed);
    uint32_t first = launch->root >= 0 ? launch->spec.header.template_count : 0;
    for (uint32_t i = first; i < launch->spec.header.mounts.count; i++)
        if (launch->spec.mounts[i].kind == GB_MOUNT_BIND && taken < count) launch->trees[i] = handed[taken++];
    return said == count && taken == count ? 0 : -EPROTO;
}
