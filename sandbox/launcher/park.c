// The part of a parked sandbox that its own process plays: it is built, says so, and waits for the one call that it will serve. Either
// its init waits, or the tool's process itself (tool.c): then all of this happens under the tool's filter.
//
// The call comes on the status socket, from the supervisor that asked for the sandbox: who holds the other end is who may start it,
// and nobody is in between. Everything that the kernel enforces stands already but what the tool's first steps enforce on
// themselves; the call brings descriptors, words and, if it wants, more restrictions.
#define _GNU_SOURCE
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// The parked spec itself lies in the request's buffer.
static _Alignas(8) uint8_t message[sizeof(struct gb_request) + GB_INLINE_SPEC_MAX];

// Until the call is there its numbers are taken by what says nothing, so that no other descriptor lands on them.
static int reserve_stdio(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0) return -errno;
    for (int number = 0; number <= GB_CONTROL_DESCRIPTOR; number++)
        if (number != null && dup3(null, number, O_CLOEXEC) < 0) return -errno;
    if (null > GB_CONTROL_DESCRIPTOR) close(null);
    return 0;
}

int park_begin(int *cgroup_descriptors, uint32_t *count)
{
    int failed = reserve_stdio();
    if (failed) return failed;
    // Joined: what has to wait long should hold nothing that it does not need.
    for (uint32_t i = 0; i < *count; i++) close(cgroup_descriptors[i]);
    *count = 0;
    return 0;
}

int park_settle(int *kept[], uint32_t count)
{
    unsigned first = GB_CONTROL_DESCRIPTOR + 1;
    // Two steps: the place of one may be where another stands.
    for (uint32_t i = 0; i < count; i++) {
        if (*kept[i] < 0) continue;
        int moved = fcntl(*kept[i], F_DUPFD_CLOEXEC, first + count);
        if (moved < 0) return -errno;
        close(*kept[i]);
        *kept[i] = moved;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (*kept[i] < 0) continue;
        if (dup3(*kept[i], (int)(first + i), O_CLOEXEC) < 0) return -errno;
        *kept[i] = (int)(first + i);
    }
    return syscall(SYS_close_range, first + count, ~0u, 0u) < 0 ? -errno : 0;
}

int park_announce(int status)
{
    // Not send: a parked tool says this under its filter. Without a supervisor SIGPIPE is as good an end as any.
    struct gb_message answer = {.kind = GB_MESSAGE_PARKED};
    return write(status, &answer, sizeof answer) < 0 ? -errno : 0;
}

static int read_start(const struct gb_spec_view *parked, size_t length, struct received *received, struct gb_spec_view *start,
                      struct gb_stdio *stdio_descriptors)
{
    struct gb_request request;
    if (length < sizeof request) return -EINVAL;
    memcpy(&request, message, sizeof request);
    if (request.magic != GB_SPEC_MAGIC || request.version != GB_SPEC_VERSION) return -EPROTO;
    if ((request.flags & ~(uint32_t)GB_REQUEST_HAS_CHANNEL) != GB_REQUEST_START || request.reserved != 0) return -EOPNOTSUPP;
    if (request.cgroup_count != 0 || length - sizeof request != request.spec_size) return -EINVAL;
    stdio_descriptors->input = take_received(received);
    stdio_descriptors->output = take_received(received);
    stdio_descriptors->error = take_received(received);
    if (stdio_descriptors->error < 0) return -EBADF;
    stdio_descriptors->channel = -1;
    if (request.flags & GB_REQUEST_HAS_CHANNEL) {
        stdio_descriptors->channel = take_received(received);
        if (stdio_descriptors->channel < 0) return -EBADF;
        int failed = check_channel(stdio_descriptors->channel);
        if (failed) return failed;
    }
    if (received->taken != received->count) return -EINVAL; // a descriptor nobody asked for
    const char *where = "";
    int failed = gb_spec_read(message + sizeof request, request.spec_size, start, &where);
    return failed ? failed : gb_spec_check_start(parked, start);
}

int park_receive(int status, const struct gb_spec_view *parked, struct gb_spec_view *start, struct gb_stdio *stdio_descriptors)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * GB_MAX_DESCRIPTORS)];
    struct iovec part = {.iov_base = message, .iov_len = sizeof message};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t length;
    do {
        length = recvmsg(status, &header, MSG_CMSG_CLOEXEC);
    } while (length < 0 && errno == EINTR);
    if (length <= 0) return PARK_UNWANTED; // nobody holds the other end any more
    struct received received = {.count = 0};
    collect_received(&header, &received);
    if (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) return -E2BIG;
    return read_start(parked, (size_t)length, &received, start, stdio_descriptors);
}
