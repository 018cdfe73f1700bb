// Actions on descriptor 3, the channel to the supervisor.
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHANNEL = 3 };

// One message with at most one descriptor; -1 when none came along.
static ssize_t receive(char *text, size_t size, int *descriptor) {
    struct iovec part = {.iov_base = text, .iov_len = size - 1};
    union {
        struct cmsghdr alignment;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control};
    ssize_t count = recvmsg(CHANNEL, &message, 0);
    *descriptor = -1;
    if (count < 0) {
        return -1;
    }
    text[count] = '\0';
    struct cmsghdr *item = CMSG_FIRSTHDR(&message);
    if (item != NULL && item->cmsg_type == SCM_RIGHTS) {
        memcpy(descriptor, CMSG_DATA(item), sizeof(int));
    }
    return count;
}

static int echo(int count, char **arguments) {
    (void)count;
    (void)arguments;
    char text[256];
    int descriptor;
    ssize_t length = receive(text, sizeof text, &descriptor);
    if (length < 0) {
        return report_errno(errno, "recvmsg");
    }
    if (write_fully(CHANNEL, text, (size_t)length) != 0) {
        return report_errno(errno, "write");
    }
    const char *named = getenv("GLOVEBOX_CHANNEL");
    return report_ok("named=%s", named != NULL ? named : "nothing");
}

// A child writes first, then the first process.
static int forge(int count, char **arguments) {
    (void)count;
    (void)arguments;
    char text[256];
    int descriptor;
    if (receive(text, sizeof text, &descriptor) < 0) {
        return report_errno(errno, "recvmsg");
    }
    pid_t child = fork();
    if (child < 0) {
        return report_errno(errno, "fork");
    }
    if (child == 0) {
        _exit(write_fully(CHANNEL, "child\n", 6) == 0 ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (write_fully(CHANNEL, "first\n", 6) != 0) {
        return report_errno(errno, "write");
    }
    return report_wait_status(status);
}

// What a descriptor that was handed over can be used for: reading, writing, and being opened anew by its number.
static int descriptor_rights(int count, char **arguments) {
    (void)count;
    (void)arguments;
    char text[256];
    char content[64] = "";
    int descriptor;
    if (receive(text, sizeof text, &descriptor) < 0) {
        return report_errno(errno, "recvmsg");
    }
    if (descriptor < 0) {
        return report_ok("none");
    }
    ssize_t length = read(descriptor, content, sizeof content - 1);
    const char *reading = length < 0 ? error_name(errno) : content;
    const char *writing = write(descriptor, "x", 1) < 0 ? error_name(errno) : "ok";
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    const char *anew = open(path, O_WRONLY | O_CLOEXEC) < 0 ? error_name(errno) : "ok";
    return report_ok("read=%s write=%s reopen=%s", reading, writing, anew);
}

// Sends a descriptor of its own to the supervisor.
static int pass(int count, char **arguments) {
    (void)count;
    (void)arguments;
    char text[] = "gift\n";
    struct iovec part = {.iov_base = text, .iov_len = sizeof text - 1};
    union {
        struct cmsghdr alignment;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    memset(&control, 0, sizeof control);
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control};
    struct cmsghdr *item = CMSG_FIRSTHDR(&message);
    item->cmsg_level = SOL_SOCKET;
    item->cmsg_type = SCM_RIGHTS;
    item->cmsg_len = CMSG_LEN(sizeof(int));
    int zero = 0;
    memcpy(CMSG_DATA(item), &zero, sizeof zero);
    return report_result(sendmsg(CHANNEL, &message, MSG_NOSIGNAL), "sendmsg");
}

const struct probe_command channel_commands[] = {
    {"channel-echo", 0, 0, "", echo},
    {"channel-forge", 0, 0, "", forge},
    {"channel-descriptor", 0, 0, "", descriptor_rights},
    {"channel-pass", 0, 0, "", pass},
    {NULL, 0, 0, NULL, NULL},
};
