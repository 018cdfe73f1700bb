// Receives a launch request: one message, its descriptors, and the spec inline or in a sealed memfd.
#define _GNU_SOURCE
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define ALL_REQUEST_FLAGS (GB_REQUEST_SPEC_IN_MEMFD | GB_REQUEST_HAS_CHANNEL | GB_REQUEST_CGROUP_V2 | GB_REQUEST_PARK)

// One launch at a time: the buffers are static, so nothing is allocated and a request cannot make the launcher grow.
static _Alignas(8) uint8_t message[sizeof(struct gb_request) + GB_INLINE_SPEC_MAX];
static void *mapped;
static size_t mapped_size;

void report_failure(int status, enum gb_stage stage, int error, uint32_t detail)
{
    struct gb_message answer = {.kind = GB_MESSAGE_FAILED, .stage = stage, .error = error, .detail = detail};
    send(status, &answer, sizeof answer, MSG_NOSIGNAL);
}

int take_received(struct received *received)
{
    if (received->taken == received->count) return -1;
    int descriptor = received->descriptors[received->taken];
    received->descriptors[received->taken++] = -1;
    return descriptor;
}

void collect_received(struct msghdr *header, struct received *received)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part != NULL; part = CMSG_NXTHDR(header, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
        uint32_t count = (uint32_t)((part->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        for (uint32_t i = 0; i < count; i++) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(part) + i * sizeof(int), sizeof descriptor);
            if (received->count < GB_MAX_DESCRIPTORS)
                received->descriptors[received->count++] = descriptor;
            else
                close(descriptor);
        }
    }
}

// The supervisor seals the memfd; without the seals a change behind our back could pass the check and then differ, and a
// truncation would be a SIGBUS.
static int map_spec(int memfd, uint32_t size)
{
    struct stat seen;
    const int wanted = F_SEAL_WRITE | F_SEAL_SHRINK;
    int seals = fcntl(memfd, F_GET_SEALS);
    if (seals < 0 || (seals & wanted) != wanted) return -EPERM;
    if (fstat(memfd, &seen) < 0) return -errno;
    if (seen.st_size < (off_t)size || size > GB_SPEC_MAX || size == 0) return -EINVAL;
    void *at = mmap(NULL, size, PROT_READ, MAP_PRIVATE, memfd, 0);
    if (at == MAP_FAILED) return -errno;
    mapped = at;
    mapped_size = size;
    return 0;
}

int check_channel(int channel)
{
    int domain = 0, type = 0;
    socklen_t size = sizeof domain;
    if (getsockopt(channel, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0) return -errno;
    size = sizeof type;
    if (getsockopt(channel, SOL_SOCKET, SO_TYPE, &type, &size) < 0) return -errno;
    if (domain != AF_UNIX || type != SOCK_STREAM) return -EPROTOTYPE;
    struct sockaddr_un peer;
    size = sizeof peer;
    if (getpeername(channel, (struct sockaddr *)&peer, &size) < 0) return -errno;
    return size > offsetof(struct sockaddr_un, sun_path) ? -EPROTOTYPE : 0; // a named peer is a server of the host
}

// 2, or a negative errno for a message that is no preparation.
static int read_preparation(struct launch *launch, const struct gb_request *request, size_t length, uint32_t descriptors)
{
    const uint32_t known = GB_SPEC_MAPPED_BY_LAUNCHER | GB_SPEC_NEW_TIME_NS;
    if (request->flags != GB_REQUEST_PREPARE || request->version != GB_SPEC_VERSION || request->reserved != 0) return -EOPNOTSUPP;
    if (request->cgroup_count != 0 || descriptors != 0 || request->spec_size != sizeof launch->prepare) return -EINVAL;
    if (length != sizeof *request + sizeof launch->prepare) return -EINVAL;
    memcpy(&launch->prepare, message + sizeof *request, sizeof launch->prepare);
    if ((launch->prepare.spec_flags & ~known) || (launch->prepare.flags & ~(uint32_t)GB_PREPARE_ONLY_LAUNCH)) return -EOPNOTSUPP;
    if (launch->prepare.outer_uid == 0 || launch->prepare.outer_gid == 0) return -EPERM; // never the host's root
    return 2;
}

static int take_stdio(struct launch *launch, const struct gb_request *request, struct received *received)
{
    int has_channel = (request->flags & GB_REQUEST_HAS_CHANNEL) != 0;
    launch->stdio.input = take_received(received);
    launch->stdio.output = take_received(received);
    launch->stdio.error = take_received(received);
    launch->stdio.channel = has_channel ? take_received(received) : -1;
    if (launch->stdio.error < 0 || (has_channel && launch->stdio.channel < 0)) return -EBADF;
    return has_channel ? check_channel(launch->stdio.channel) : 0;
}

static int read_request(struct launch *launch, size_t length, struct received *received)
{
    struct gb_request request;
    if (length < sizeof request) return -EINVAL;
    memcpy(&request, message, sizeof request);
    if (request.magic == GB_SPEC_MAGIC && (request.flags & GB_REQUEST_PREPARE))
        return read_preparation(launch, &request, length, received->count);
    launch->status = take_received(received);
    if (launch->status < 0) return -EBADF;
    if (request.magic != GB_SPEC_MAGIC) return -EINVAL;
    if (request.version != GB_SPEC_VERSION) return -EPROTO;
    if ((request.flags & ~(uint32_t)ALL_REQUEST_FLAGS) || request.reserved != 0) return -EOPNOTSUPP;
    if (request.cgroup_count > GB_MAX_CGROUPS) return -E2BIG;

    launch->parks = (request.flags & GB_REQUEST_PARK) != 0;
    int failed = launch->parks ? 0 : take_stdio(launch, &request, received);
    if (launch->parks && (request.flags & GB_REQUEST_HAS_CHANNEL)) failed = -EINVAL; // the call brings it
    int memfd = request.flags & GB_REQUEST_SPEC_IN_MEMFD ? take_received(received) : -1;
    launch->cgroup_v2 = -1;
    if (failed == 0 && (request.flags & GB_REQUEST_CGROUP_V2)) {
        if (request.cgroup_count != 1) failed = -EINVAL;
        else if ((launch->cgroup_v2 = take_received(received)) < 0) failed = -EBADF;
    } else if (failed == 0) {
        for (uint32_t i = 0; i < request.cgroup_count && failed == 0; i++) {
            int cgroup = take_received(received);
            if (cgroup < 0) failed = -EBADF;
            else launch->cgroups[launch->cgroup_count++] = cgroup;
        }
    }
    if (failed == 0 && received->taken != received->count) failed = -EINVAL; // a descriptor nobody asked for

    const void *spec = message + sizeof request;
    if (failed == 0 && (request.flags & GB_REQUEST_SPEC_IN_MEMFD)) {
        failed = memfd < 0 ? -EBADF : map_spec(memfd, request.spec_size);
        spec = mapped;
    } else if (failed == 0 && length - sizeof request != request.spec_size) {
        failed = -EINVAL;
    }
    if (memfd >= 0) close(memfd);
    if (failed) return failed;
    const char *where = "";
    launch->spec_bytes = spec;
    if ((failed = gb_spec_read(spec, request.spec_size, &launch->spec, &where))) return failed;
    // What a call brings is for a parked sandbox, which has no terminal: that is one call's own, from its first mount on.
    const uint32_t refused = GB_SPEC_START | (launch->parks ? GB_SPEC_TERMINAL : GB_SPEC_PARK_TOOL);
    return launch->spec.header.flags & refused ? -EINVAL : 0;
}

int request_receive(struct launcher *launcher, struct launch *launch)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * GB_MAX_DESCRIPTORS)];
    struct iovec part = {.iov_base = message, .iov_len = sizeof message};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t length;
    do {
        length = recvmsg(launcher->control, &header, MSG_CMSG_CLOEXEC);
    } while (length < 0 && errno == EINTR);

    memset(launch, 0, sizeof *launch);
    launch->status = launch->cgroup_v2 = -1;
    launch->stdio = (struct gb_stdio){-1, -1, -1, -1};
    for (uint32_t i = 0; i < GB_MAX_MOUNTS; i++) launch->trees[i] = -1;
    launch->root = -1;
    if (length == 0 || (length < 0 && errno == ECONNRESET)) return 1;
    if (length < 0) return -errno;

    launch->began_ns = gb_now_ns();
    struct received received = {.count = 0};
    collect_received(&header, &received);
    int failed;
    if (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
        launch->status = take_received(&received);
        failed = -E2BIG;
    } else {
        failed = read_request(launch, (size_t)length, &received);
    }
    for (uint32_t i = 0; i < received.count; i++)
        if (received.descriptors[i] >= 0) close(received.descriptors[i]);
    if (failed && launch->status >= 0) report_failure(launch->status, GB_STAGE_REQUEST, -failed, 0);
    launch->request_ns = gb_now_ns();
    return failed;
}

static void close_if_open(int *descriptor)
{
    if (*descriptor >= 0) close(*descriptor);
    *descriptor = -1;
}

void request_release(struct launch *launch)
{
    close_if_open(&launch->status);
    close_if_open(&launch->stdio.input);
    close_if_open(&launch->stdio.output);
    close_if_open(&launch->stdio.error);
    close_if_open(&launch->stdio.channel);
    close_if_open(&launch->cgroup_v2);
    for (uint32_t i = 0; i < launch->cgroup_count; i++) close_if_open(&launch->cgroups[i]);
    for (uint32_t i = 0; i < GB_MAX_MOUNTS; i++) close_if_open(&launch->trees[i]);
    close_if_open(&launch->root);
    if (mapped != NULL) munmap(mapped, mapped_size);
    mapped = NULL;
}
