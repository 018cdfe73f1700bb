#define _GNU_SOURCE
#include "parked_program.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// Where the call socket is while the program waits; it is the launcher's number for a channel.
enum { CALL_SOCKET = GB_CONTROL_DESCRIPTOR };

static _Alignas(8) uint8_t message[sizeof(struct gb_request) + GB_INLINE_SPEC_MAX];

static int say(int socket, enum gb_message_kind kind)
{
    struct gb_message word = {.kind = kind};
    // Not send: a policy may leave nothing of sockets but what descriptor 3 needs. Who is killed here has no supervisor any more.
    ssize_t sent = write(socket, &word, sizeof word);
    if (sent < 0) return -errno;
    return sent == (ssize_t)sizeof word ? 0 : -EIO;
}

int gb_parked_announce(void) { return say(CALL_SOCKET, GB_MESSAGE_PARKED); }

int gb_parked_start(int socket)
{
    int failed = say(socket, GB_MESSAGE_STARTED);
    close(socket);
    return failed;
}

// Descriptors come with the first byte, and with no other: what a later read would bring is closed by the kernel.
struct passed {
    int numbers[4];
    uint32_t count;
    int too_many;
};

static void collect(struct msghdr *header, struct passed *passed)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part != NULL; part = CMSG_NXTHDR(header, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
        size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int number;
            memcpy(&number, CMSG_DATA(part) + i * sizeof number, sizeof number);
            if (passed->count < sizeof passed->numbers / sizeof passed->numbers[0]) passed->numbers[passed->count++] = number;
            else passed->too_many = 1; // it ends with the program
        }
    }
}

// The first bytes, with the descriptors. Their number; 0 at the end; -errno.
static ssize_t receive_first(struct passed *passed)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * GB_MAX_DESCRIPTORS)];
    struct iovec part = {.iov_base = message, .iov_len = sizeof message};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t length;
    do {
        length = recvmsg(CALL_SOCKET, &header, MSG_CMSG_CLOEXEC);
    } while (length < 0 && errno == EINTR);
    if (length < 0) return -errno;
    collect(&header, passed);
    return header.msg_flags & MSG_CTRUNC ? -E2BIG : length;
}

static int receive_rest(size_t have, size_t whole)
{
    while (have < whole) {
        ssize_t more = read(CALL_SOCKET, message + have, whole - have);
        if (more < 0 && errno == EINTR) continue;
        if (more < 0) return -errno;
        if (more == 0) return -EPIPE;
        have += (size_t)more;
    }
    return 0;
}

static int check_request(const struct gb_request *request, const struct passed *passed)
{
    if (request->magic != GB_SPEC_MAGIC || request->version != GB_SPEC_VERSION) return -EPROTO;
    if ((request->flags & ~(uint32_t)GB_REQUEST_HAS_CHANNEL) != GB_REQUEST_START || request->reserved != 0) return -EOPNOTSUPP;
    if (request->cgroup_count != 0) return -EINVAL;
    if (request->spec_size > GB_INLINE_SPEC_MAX) return -E2BIG;
    uint32_t wanted = request->flags & GB_REQUEST_HAS_CHANNEL ? 4 : 3;
    if (passed->too_many || passed->count != wanted) return -EBADF;
    for (uint32_t i = 0; i < passed->count; i++)
        if (passed->numbers[i] <= CALL_SOCKET) return -EBADF; // 0 to 3 are taken, so none can land there
    return 0;
}

int gb_parked_receive(struct gb_parked_call *call)
{
    struct passed passed = {.count = 0};
    ssize_t have = receive_first(&passed);
    if (have == 0) return GB_PARKED_UNWANTED;
    if (have < 0) return (int)have;
    struct gb_request request;
    int failed = receive_rest((size_t)have, sizeof request); // nothing to do but for a message cut in its first bytes
    if (failed) return failed;
    if ((size_t)have < sizeof request) have = sizeof request;
    memcpy(&request, message, sizeof request);
    if ((failed = check_request(&request, &passed))) return failed;
    size_t whole = sizeof request + request.spec_size;
    if ((size_t)have > whole) return -EINVAL; // there is one START and nothing after it
    if ((failed = receive_rest((size_t)have, whole))) return failed;
    const char *where = "";
    if ((failed = gb_spec_read(message + sizeof request, request.spec_size, &call->spec, &where))) return failed;
    if (!(call->spec.header.flags & GB_SPEC_START)) return -EINVAL;
    call->stdio_descriptors = (struct gb_stdio){.input = passed.numbers[0], .output = passed.numbers[1], .error = passed.numbers[2],
                                                .channel = passed.count > 3 ? passed.numbers[3] : -1};
    return 0;
}

int gb_parked_settle(const struct gb_parked_call *call)
{
    // Above every descriptor of the call, so that no placing below overwrites it.
    int socket = fcntl(CALL_SOCKET, F_DUPFD_CLOEXEC, CALL_SOCKET + 5);
    if (socket < 0) return -errno;
    int failed = gb_place_stdio(&call->stdio_descriptors);
    if (failed) return failed;
    if (syscall(SYS_close_range, (unsigned)CALL_SOCKET + 1, (unsigned)socket - 1, 0u) < 0) return -errno;
    return syscall(SYS_close_range, (unsigned)socket + 1, ~0u, 0u) < 0 ? -errno : socket;
}
