// Actions on sockets.
#include "probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    CONNECT_SECONDS = 5,
    REPLY_MILLISECONDS = 500,
    MPTCP_PROTOCOL = 262,  // IPPROTO_MPTCP
};

static struct sockaddr_in loopback(const char *port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)number_argument(port, 65535))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

// Makes a socket, connects it and closes it. The detail of a failure says which of the two steps failed.
static int connect_and_close(int family, int type, int protocol, const void *address, socklen_t size) {
    int descriptor = socket(family, type | SOCK_CLOEXEC, protocol);
    if (descriptor < 0) {
        return report_errno(errno, "socket");
    }
    struct timeval patience = {.tv_sec = CONNECT_SECONDS};
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    int result = connect(descriptor, address, size);
    int error = errno;
    close(descriptor);
    return result == 0 ? report_ok(NULL) : report_errno(error, "connect");
}

static int tcp_action(int count, char **arguments) {
    (void)count;
    struct sockaddr_in address = loopback(arguments[1]);
    if (inet_pton(AF_INET, arguments[0], &address.sin_addr) == 1) {
        return connect_and_close(AF_INET, SOCK_STREAM, 0, &address, sizeof address);
    }
    struct sockaddr_in6 long_address = {.sin6_family = AF_INET6, .sin6_port = address.sin_port};
    if (inet_pton(AF_INET6, arguments[0], &long_address.sin6_addr) == 1) {
        return connect_and_close(AF_INET6, SOCK_STREAM, 0, &long_address, sizeof long_address);
    }
    fprintf(stderr, "sandbox-probe: %s is not a numeric address\n", arguments[0]);
    return PROBE_USAGE_STATUS;
}

static int tcp_mptcp_action(int count, char **arguments) {
    (void)count;
    struct sockaddr_in address = loopback(arguments[0]);
    return connect_and_close(AF_INET, SOCK_STREAM, MPTCP_PROTOCOL, &address, sizeof address);
}

enum fast_open_call { FAST_OPEN_SENDTO, FAST_OPEN_SENDMSG, FAST_OPEN_SENDMMSG };

// TCP Fast Open connects within a send, past every rule about connect.
static int fast_open(const char *port, enum fast_open_call call) {
    static const char *const names[] = {"sendto", "sendmsg", "sendmmsg"};
    struct sockaddr_in address = loopback(port);
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        return report_errno(errno, "socket");
    }
    struct timeval patience = {.tv_sec = CONNECT_SECONDS};
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    char byte = 'x';
    struct iovec piece = {.iov_base = &byte, .iov_len = 1};
    struct mmsghdr batch = {
        .msg_hdr = {.msg_name = &address, .msg_namelen = sizeof address, .msg_iov = &piece, .msg_iovlen = 1}};
    ssize_t result = -1;
    switch (call) {
    case FAST_OPEN_SENDTO:
        result = sendto(descriptor, &byte, 1, MSG_FASTOPEN, (const struct sockaddr *)&address, sizeof address);
        break;
    case FAST_OPEN_SENDMSG:
        result = sendmsg(descriptor, &batch.msg_hdr, MSG_FASTOPEN);
        break;
    case FAST_OPEN_SENDMMSG:
        result = sendmmsg(descriptor, &batch, 1, MSG_FASTOPEN);
        break;
    }
    int error = errno;
    close(descriptor);
    return result >= 0 ? report_ok(NULL) : report_errno(error, "%s", names[call]);
}

static int tfo_sendto_action(int count, char **arguments) {
    (void)count;
    return fast_open(arguments[0], FAST_OPEN_SENDTO);
}

static int tfo_sendmsg_action(int count, char **arguments) {
    (void)count;
    return fast_open(arguments[0], FAST_OPEN_SENDMSG);
}

static int tfo_sendmmsg_action(int count, char **arguments) {
    (void)count;
    return fast_open(arguments[0], FAST_OPEN_SENDMMSG);
}

// Sends one datagram and waits a little for one back.
static int udp_action(int count, char **arguments) {
    (void)count;
    struct sockaddr_in address = loopback(arguments[0]);
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        return report_errno(errno, "socket");
    }
    const char *step = "connect";
    ssize_t result = connect(descriptor, (const struct sockaddr *)&address, sizeof address);
    if (result == 0) {
        step = "send";
        result = send(descriptor, "x", 1, 0);
    }
    struct pollfd wait = {.fd = descriptor, .events = POLLIN};
    int replied = result >= 0 && poll(&wait, 1, REPLY_MILLISECONDS) == 1;
    if (replied) {
        char reply;
        step = "receive";
        result = recv(descriptor, &reply, 1, 0);
    }
    int error = errno;
    close(descriptor);
    return result >= 0 ? report_ok(replied ? "reply" : "sent") : report_errno(error, "%s", step);
}

// Port 0 asks the kernel for one; the detail says which.
static int listen_action(int count, char **arguments) {
    (void)count;
    struct sockaddr_in address = loopback(arguments[0]);
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        return report_errno(errno, "socket");
    }
    const char *step = "bind";
    int result = bind(descriptor, (const struct sockaddr *)&address, sizeof address);
    if (result == 0) {
        step = "listen";
        result = listen(descriptor, 1);
    }
    socklen_t size = sizeof address;
    if (result == 0) {
        step = "getsockname";
        result = getsockname(descriptor, (struct sockaddr *)&address, &size);
    }
    int error = errno;
    close(descriptor);
    return result == 0 ? report_ok("%u", ntohs(address.sin_port)) : report_errno(error, "%s", step);
}

static int connect_unix(const char *name, size_t leading_zeros, int type) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(name);
    if (length + leading_zeros >= sizeof address.sun_path) {
        fprintf(stderr, "sandbox-probe: the socket's name is too long\n");
        return PROBE_USAGE_STATUS;
    }
    memcpy(address.sun_path + leading_zeros, name, length);
    // An abstract name is not terminated; a path is.
    size_t size = offsetof(struct sockaddr_un, sun_path) + leading_zeros + length + (leading_zeros == 0);
    return connect_and_close(AF_UNIX, type, 0, &address, (socklen_t)size);
}

static int unix_action(int count, char **arguments) {
    (void)count;
    return connect_unix(arguments[0], 0, SOCK_STREAM);
}

static int unix_datagram_action(int count, char **arguments) {
    (void)count;
    return connect_unix(arguments[0], 0, SOCK_DGRAM);
}

static int unix_abstract_action(int count, char **arguments) {
    (void)count;
    return connect_unix(arguments[0], 1, SOCK_STREAM);
}

static int named_number(const char *text, const char *const *names, const int *values, size_t count) {
    for (size_t index = 0; index < count; index++) {
        if (strcmp(text, names[index]) == 0) {
            return values[index];
        }
    }
    return (int)number_argument(text, INT32_MAX);
}

static int family_argument(const char *text) {
    static const char *const names[] = {
        "unix", "inet", "inet6", "netlink", "packet", "vsock", "alg", "xdp", "bluetooth", "can", "tipc",
    };
    static const int values[] = {
        AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_VSOCK, AF_ALG, AF_XDP, AF_BLUETOOTH, AF_CAN, AF_TIPC,
    };
    return named_number(text, names, values, sizeof values / sizeof values[0]);
}

static int type_argument(const char *text) {
    static const char *const names[] = {"stream", "dgram", "raw", "seqpacket", "rdm"};
    static const int values[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, SOCK_RDM};
    return named_number(text, names, values, sizeof values / sizeof values[0]);
}

static int socket_action(int count, char **arguments) {
    int protocol = count > 2 ? (int)number_argument(arguments[2], INT32_MAX) : 0;
    int descriptor = socket(family_argument(arguments[0]), type_argument(arguments[1]) | SOCK_CLOEXEC, protocol);
    if (descriptor < 0) {
        return report_errno(errno, "socket");
    }
    close(descriptor);
    return report_ok(NULL);
}

static int socketpair_action(int count, char **arguments) {
    int family = count > 1 ? family_argument(arguments[1]) : AF_UNIX;
    int pair[2];
    if (socketpair(family, type_argument(arguments[0]) | SOCK_CLOEXEC, 0, pair) != 0) {
        return report_errno(errno, "socketpair");
    }
    close(pair[0]);
    close(pair[1]);
    return report_ok(NULL);
}

const struct probe_command network_commands[] = {
    {"tcp", 2, 2, "ADDRESS PORT", tcp_action},
    {"tcp-mptcp", 1, 1, "PORT", tcp_mptcp_action},
    {"tfo-sendto", 1, 1, "PORT", tfo_sendto_action},
    {"tfo-sendmsg", 1, 1, "PORT", tfo_sendmsg_action},
    {"tfo-sendmmsg", 1, 1, "PORT", tfo_sendmmsg_action},
    {"udp", 1, 1, "PORT", udp_action},
    {"listen", 1, 1, "PORT", listen_action},
    {"unix", 1, 1, "PATH", unix_action},
    {"unix-dgram", 1, 1, "PATH", unix_datagram_action},
    {"unix-abstract", 1, 1, "NAME", unix_abstract_action},
    {"socket", 2, 3, "FAMILY TYPE [PROTOCOL]", socket_action},
    {"socketpair", 1, 2, "TYPE [FAMILY]", socketpair_action},
    {NULL, 0, 0, NULL, NULL},
};
