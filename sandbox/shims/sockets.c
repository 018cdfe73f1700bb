#define _GNU_SOURCE
#include "linux_shims.h"
#include "result.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

int gbx_seqpacket_pair(int ends[2])
{
    return (int)gbx_result(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends));
}

int gbx_stream_pair(int ends[2])
{
    return (int)gbx_result(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
}

// Room for the control data of one message, aligned as cmsg(3) asks.
union control {
    struct cmsghdr alignment;
    char bytes[CMSG_SPACE(sizeof(int) * GBX_MAX_PASSED_DESCRIPTORS)];
};

int64_t gbx_send_message(int fd, const void *header, size_t header_size, const void *body, size_t body_size,
                         const int *descriptors, size_t descriptor_count, int dont_wait)
{
    if (descriptor_count > GBX_MAX_PASSED_DESCRIPTORS || (descriptor_count > 0 && descriptors == NULL))
        return -EINVAL;
    struct iovec parts[2] = {
        {.iov_base = (void *)(uintptr_t)header, .iov_len = header_size},
        {.iov_base = (void *)(uintptr_t)body, .iov_len = body_size},
    };
    union control control;
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    if (descriptor_count > 0) {
        size_t size = sizeof(int) * descriptor_count;
        memset(&control, 0, sizeof control);
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(size);
        struct cmsghdr *first = CMSG_FIRSTHDR(&message);
        first->cmsg_level = SOL_SOCKET;
        first->cmsg_type = SCM_RIGHTS;
        first->cmsg_len = CMSG_LEN(size);
        memcpy(CMSG_DATA(first), descriptors, size);
    }
    return gbx_result(sendmsg(fd, &message, MSG_NOSIGNAL | (dont_wait ? MSG_DONTWAIT : 0)));
}

static void close_all(const int *descriptors, size_t count)
{
    for (size_t i = 0; i < count; i++)
        close(descriptors[i]);
}

int64_t gbx_receive_message(int fd, void *buffer, size_t size, int *descriptors, size_t descriptor_capacity,
                            size_t *descriptor_count, int dont_wait)
{
    struct iovec part = {.iov_base = buffer, .iov_len = size};
    union control control;
    struct msghdr message;
    *descriptor_count = 0;
    memset(&message, 0, sizeof message);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control;
    ssize_t received = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | (dont_wait ? MSG_DONTWAIT : 0));
    if (received < 0)
        return -errno;

    // Everything that arrived is open here now, wanted or not: gather it all before deciding.
    int arrived[GBX_MAX_PASSED_DESCRIPTORS];
    size_t count = 0;
    for (struct cmsghdr *item = CMSG_FIRSTHDR(&message); item != NULL; item = CMSG_NXTHDR(&message, item)) {
        if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS)
            continue;
        size_t here = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < here; i++) {
            int one;
            memcpy(&one, CMSG_DATA(item) + i * sizeof(int), sizeof one);
            if (count < GBX_MAX_PASSED_DESCRIPTORS)
                arrived[count++] = one;
            else
                close(one); // cannot happen: the control buffer has no room for more
        }
    }
    if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) || count > descriptor_capacity || (count > 0 && descriptors == NULL)) {
        close_all(arrived, count);
        return -EMSGSIZE;
    }
    if (count > 0)
        memcpy(descriptors, arrived, count * sizeof(int));
    *descriptor_count = count;
    return received;
}

int gbx_peer_credentials(int fd, struct gbx_peer *out)
{
    struct ucred credentials;
    socklen_t size = sizeof credentials;
    memset(out, 0, sizeof *out);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
        return -errno;
    if (size != sizeof credentials)
        return -EPROTO;
    out->pid = credentials.pid;
    out->uid = credentials.uid;
    out->gid = credentials.gid;
    return 0;
}

int gbx_bind_abstract(const char *name, size_t length)
{
    struct sockaddr_un address;
    memset(&address, 0, sizeof address);
    if (length == 0 || length > sizeof address.sun_path - 1)
        return -ENAMETOOLONG;
    address.sun_family = AF_UNIX;
    memcpy(address.sun_path + 1, name, length);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
    if (bind(fd, (const struct sockaddr *)&address, size) != 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}
