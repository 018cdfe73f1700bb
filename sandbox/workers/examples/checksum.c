// A channel tool in C, without a library: the CRC-32 of one file that comes as an open descriptor.
//
// cc -O2 -Wall -Wextra -o checksum checksum.c
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHANNEL = 3, LONGEST_CALL = 65536 };

static char line[LONGEST_CALL + 1];

// Reads the call's one line; the descriptor that comes with it goes to *file, -1 when there is none.
static int read_call(int *file)
{
    size_t length = 0;
    *file = -1;
    while (memchr(line, '\n', length) == NULL) {
        if (length == LONGEST_CALL)
            return -1;
        struct iovec part = {.iov_base = line + length, .iov_len = LONGEST_CALL - length};
        union {
            struct cmsghdr alignment;
            char bytes[CMSG_SPACE(sizeof(int))];
        } control;
        struct msghdr message = {
            .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control};
        ssize_t count = recvmsg(CHANNEL, &message, MSG_CMSG_CLOEXEC);
        if (count <= 0)
            return -1;
        struct cmsghdr *item = CMSG_FIRSTHDR(&message);
        if (item != NULL && item->cmsg_level == SOL_SOCKET && item->cmsg_type == SCM_RIGHTS)
            memcpy(file, CMSG_DATA(item), sizeof *file);
        length += (size_t)count;
    }
    return 0;
}

// The call's id, which the result must carry: hexadecimal digits, so nothing in it needs unescaping. The supervisor writes keys
// in byte order, and "id" stands before "params", so the first match is the right one.
static int find_id(char *id, size_t size)
{
    const char *start = strstr(line, "\"id\":\"");
    if (start == NULL)
        return -1;
    start += strlen("\"id\":\"");
    size_t length = strspn(start, "0123456789abcdef");
    if (length == 0 || length >= size || start[length] != '"')
        return -1;
    memcpy(id, start, length);
    id[length] = '\0';
    return 0;
}

static uint32_t checksum(int file, uint64_t *size)
{
    static unsigned char room[65536];
    uint32_t value = 0xFFFFFFFFu;
    ssize_t count;
    *size = 0;
    while ((count = read(file, room, sizeof room)) > 0) {
        *size += (uint64_t)count;
        for (ssize_t i = 0; i < count; i++) {
            value ^= room[i];
            for (int bit = 0; bit < 8; bit++)
                value = value >> 1 ^ (0xEDB88320u & -(value & 1));
        }
    }
    return ~value;
}

int main(void)
{
    char id[64], answer[256];
    int file;
    if (getenv("GLOVEBOX_CHANNEL") == NULL || read_call(&file) < 0 || find_id(id, sizeof id) < 0)
        return 65;
    if (file < 0) {
        snprintf(answer, sizeof answer,
                 "{\"jsonrpc\":\"2.0\",\"id\":\"%s\",\"error\":{\"code\":-32000,\"message\":\"no file was handed over\"}}\n", id);
    } else {
        uint64_t size;
        uint32_t value = checksum(file, &size);
        snprintf(answer, sizeof answer,
                 "{\"jsonrpc\":\"2.0\",\"id\":\"%s\",\"result\":{\"data\":{\"crc32\":\"%08x\",\"size_bytes\":%llu}}}\n", id,
                 (unsigned)value, (unsigned long long)size);
    }
    return write(CHANNEL, answer, strlen(answer)) == (ssize_t)strlen(answer) ? 0 : 65;
}
