#define _GNU_SOURCE
#include "linux_shims.h"
#include "result.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
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

int gbx_pass_credentials(int fd)
{
    int on = 1;
    return (int)gbx_result(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
}

int64_t gbx_receive_from_writer(int fd, void *buffer, size_t size, int32_t *writer, int *descriptors_dropped)
{
    struct iovec part = {.iov_base = buffer, .iov_len = size};
    // Room for the credentials, which the kernel puts first, and for nothing else: it then closes passed descriptors itself
    // instead of installing them here.
    union {
        struct cmsghdr alignment;
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
    } control;
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    ssize_t received = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (received < 0)
        return -errno;
    *writer = 0;
    *descriptors_dropped = (message.msg_flags & MSG_CTRUNC) != 0;
    struct cmsghdr *item = CMSG_FIRSTHDR(&message);
    if (item != NULL && item->cmsg_level == SOL_SOCKET && item->cmsg_type == SCM_CREDENTIALS
        && item->cmsg_len == CMSG_LEN(sizeof(struct ucred))) {
        struct ucred credentials;
        memcpy(&credentials, CMSG_DATA(item), sizeof credentials);
        *writer = credentials.pid;
    }
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

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

int gbx_peer_pidfd(int fd)
{
    int pidfd = -1;
    socklen_t size = sizeof pidfd;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) != 0)
        return -errno;
    return pidfd >= 0 ? pidfd : -ESRCH;
}

// A socket, and the address that a path makes. The socket, or a negated errno.
static int named_socket(const char *path, int flags, struct sockaddr_un *address)
{
    size_t length = strlen(path);
    if (length == 0)
        return -EINVAL;
    if (length >= sizeof address->sun_path)
        return -ENAMETOOLONG;
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, length);
    return (int)gbx_result(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0));
}

int gbx_listen_at(const char *path, int backlog)
{
    struct sockaddr_un address;
    int fd = named_socket(path, 0, &address);
    if (fd < 0)
        return fd;
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 || listen(fd, backlog) != 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

int gbx_connect_to(const char *path)
{
    struct sockaddr_un address;
    int fd = named_socket(path, SOCK_NONBLOCK, &address);
    if (fd < 0)
        return fd;
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

int gbx_accept(int fd)
{
    return (int)gbx_result(accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
}

int gbx_stop_receiving(int fd)
{
    return (int)gbx_result(shutdown(fd, SHUT_RD));
}

int64_t gbx_bound_path(int fd, char *out, size_t capacity)
{
    struct sockaddr_un address;
    socklen_t size = sizeof address;
    memset(&address, 0, sizeof address);
    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        return -errno;
    if (address.sun_family != AF_UNIX || size <= offsetof(struct sockaddr_un, sun_path) || address.sun_path[0] == '\0')
        return 0;
    size_t length = strnlen(address.sun_path, sizeof address.sun_path);
    if (length > capacity)
        return -ENAMETOOLONG;
    memcpy(out, address.sun_path, length);
    return (int64_t)length;
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

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

static int option_number(int fd, int name, int32_t *out)
{
    socklen_t size = sizeof *out;
    return (int)gbx_result(getsockopt(fd, SOL_SOCKET, name, out, &size));
}

int gbx_is_listening(int fd)
{
    int32_t family = 0, type = 0, listens = 0;
    int result = option_number(fd, SO_DOMAIN, &family);
    if (result == 0)
        result = option_number(fd, SO_TYPE, &type);
    if (result == 0)
        result = option_number(fd, SO_ACCEPTCONN, &listens);
    return result < 0 ? result : family == AF_UNIX && type == SOCK_SEQPACKET && listens != 0;
}

int gbx_socket_facts(int fd, struct gbx_socket_facts *out)
{
    memset(out, 0, sizeof *out);
    int result = option_number(fd, SO_DOMAIN, &out->family);
    if (result == 0)
        result = option_number(fd, SO_TYPE, &out->type);
    if (result == 0)
        result = option_number(fd, SO_PROTOCOL, &out->protocol);
    if (result < 0)
        return result;
    socklen_t size = sizeof out->network;
    return (int)gbx_result(getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &out->network, &size));
}

int gbx_socket(int family, int type, int protocol)
{
    return (int)gbx_result(socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
}

int gbx_connect(int fd, const void *address, size_t size)
{
    return (int)gbx_result(connect(fd, address, (socklen_t)size));
}

int gbx_bind(int fd, const void *address, size_t size)
{
    return (int)gbx_result(bind(fd, address, (socklen_t)size));
}

int gbx_shut_down(int fd)
{
    return (int)gbx_result(shutdown(fd, SHUT_RDWR));
}

int gbx_reuse_address(int fd)
{
    int one = 1;
    return (int)gbx_result(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one));
}

int gbx_abort_on_close(int fd)
{
    struct linger none = {.l_onoff = 1, .l_linger = 0};
    return (int)gbx_result(setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none));
}

int gbx_is_ipv6_only(int fd)
{
    int value = 0;
    socklen_t size = sizeof value;
    int64_t result = gbx_result(getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &value, &size));
    return result < 0 ? (int)result : value != 0;
}

// Only options that concern the connection itself. SO_REUSEPORT is left out on purpose: a socket of ours with it could take
// connections from another server of the same user.
void gbx_copy_stream_options(int from, int to)
{
    static const struct {
        int level, name;
    } options[] = {
        {SOL_SOCKET, SO_KEEPALIVE}, {SOL_SOCKET, SO_OOBINLINE}, {SOL_SOCKET, SO_LINGER}, {SOL_SOCKET, SO_RCVTIMEO},
        {SOL_SOCKET, SO_SNDTIMEO}, {SOL_SOCKET, SO_RCVLOWAT}, {IPPROTO_TCP, TCP_NODELAY}, {IPPROTO_TCP, TCP_KEEPIDLE},
        {IPPROTO_TCP, TCP_KEEPINTVL}, {IPPROTO_TCP, TCP_KEEPCNT}, {IPPROTO_TCP, TCP_USER_TIMEOUT},
    };
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        char value[32];
        socklen_t size = sizeof value;
        if (getsockopt(from, options[i].level, options[i].name, value, &size) == 0)
            (void)setsockopt(to, options[i].level, options[i].name, value, size); // a preference: without it the data still flow
    }
}
