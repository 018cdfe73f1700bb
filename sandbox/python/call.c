// The call socket is a byte stream, descriptor 3 of a process that waits. What comes on it is what a parked sandbox gets: a
// gb_request with START, a spec with GB_SPEC_START, and the descriptors with the first byte.
#define _GNU_SOURCE
#include "parked_python.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

bool is_call_socket(int descriptor)
{
    int domain = 0, type = 0;
    socklen_t size = sizeof domain;
    if (getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0) return false;
    size = sizeof type;
    return domain == AF_UNIX && getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

bool announce_parked(int socket)
{
    const struct gb_message message = {.kind = GB_MESSAGE_PARKED};
    const uint8_t *at = (const uint8_t *)&message;
    for (size_t left = sizeof message; left > 0;) {
        ssize_t sent = send(socket, at, left, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        at += sent;
        left -= (size_t)sent;
    }
    return true;
}

static bool keep_descriptors(struct msghdr *header, struct call *call)
{
    for (struct cmsghdr *item = CMSG_FIRSTHDR(header); item != NULL; item = CMSG_NXTHDR(header, item)) {
        if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS) continue;
        size_t count = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        if (count > 4 || (size_t)call->descriptor_count + count > 4) return false;
        memcpy(&call->descriptors[call->descriptor_count], CMSG_DATA(item), count * sizeof(int));
        call->descriptor_count += (int)count;
    }
    return true;
}

// All of `size` bytes: 1; the other end is gone before the first: 0; anything else: -1.
static int receive_all(int socket, void *bytes, size_t size, struct call *call)
{
    uint8_t *at = bytes;
    for (size_t left = size; left > 0;) {
        _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * GB_MAX_DESCRIPTORS)];
        struct iovec part = {.iov_base = at, .iov_len = left};
        struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
        ssize_t length = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
        if (length < 0 && errno == EINTR) continue;
        if (length == 0) return left == size ? 0 : -1;
        if (length < 0) return -1;
        if ((header.msg_flags & MSG_CTRUNC) || !keep_descriptors(&header, call)) return -1;
        at += length;
        left -= (size_t)length;
    }
    return 1;
}

static bool is_start(const struct gb_request *request)
{
    return request->magic == GB_SPEC_MAGIC && request->version == GB_SPEC_VERSION &&
           (request->flags & ~(uint32_t)GB_REQUEST_HAS_CHANNEL) == GB_REQUEST_START && request->cgroup_count == 0 &&
           request->reserved == 0 && request->spec_size <= GB_SPEC_MAX;
}

int receive_call(int socket, struct call *call)
{
    struct gb_request request;
    *call = (struct call){.descriptors = {-1, -1, -1, -1}};
    int received = receive_all(socket, &request, sizeof request, call);
    if (received <= 0) return received;
    if (!is_start(&request)) return -1;
    // Stays: the words and the environment are used where they lie.
    void *spec = mmap(NULL, request.spec_size + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (spec == MAP_FAILED) return -1;
    if (receive_all(socket, spec, request.spec_size, call) != 1) return -1;
    if (call->descriptor_count != ((request.flags & GB_REQUEST_HAS_CHANNEL) ? 4 : 3)) return -1;
    if (call->descriptor_count == 4 && !is_call_socket(call->descriptors[3])) return -1;
    const char *where = "";
    if (gb_spec_read(spec, request.spec_size, &call->spec, &where) != 0) return -1;
    // A running program's limits and rules are those that it was started with: a call that needs narrower ones is no call for it.
    return call->spec.header.flags == GB_SPEC_START && call->spec.header.rlimits.count == 0 ? 1 : -1;
}

const char *enter_call(int socket, const struct call *call)
{
    // What was received lies above 2, and 3 is the socket itself, so that no number is overwritten before it was copied.
    for (int number = 0; number < 3; number++)
        if (dup2(call->descriptors[number], number) < 0) return "its descriptors";
    if (call->descriptors[3] >= 0 ? dup2(call->descriptors[3], socket) < 0 : close(socket) < 0) return "its descriptors";
    for (int i = 0; i < call->descriptor_count; i++) close(call->descriptors[i]);
    if (chdir(gb_spec_string(&call->spec, call->spec.header.working_directory)) < 0) return "its working directory";
    return NULL;
}
