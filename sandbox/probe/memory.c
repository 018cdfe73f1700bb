// Actions that consume: memory, disk, files, output.
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008u
#endif
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010u
#endif

enum {
    MEBIBYTE = 1 << 20,
    PAGE = 4096,
    MOST_MEBIBYTES = 8192,
    MOST_FILES = 100000,
};
static const uint64_t most_output = (uint64_t)8 << 30;  // bytes

static char block[MEBIBYTE];

// `ok AMOUNT` when all of it was had, else the error and how much it was until then.
static int report_amount(int error, int amount) {
    return error == 0 ? report_ok("%d", amount) : report_errno(error, "%d", amount);
}

static int eat_memory_action(int count, char **arguments) {
    (void)count;
    int wanted = (int)number_argument(arguments[0], MOST_MEBIBYTES);
    for (int had = 0; had < wanted; had++) {
        volatile char *piece = mmap(NULL, MEBIBYTE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (piece == MAP_FAILED) {
            return report_amount(errno, had);
        }
        for (size_t offset = 0; offset < MEBIBYTE; offset += PAGE) {
            piece[offset] = 1;
        }
    }
    return report_amount(0, wanted);
}

static int fill(int descriptor, int wanted) {
    memset(block, 'x', sizeof block);
    for (int had = 0; had < wanted; had++) {
        if (write_fully(descriptor, block, sizeof block) != 0) {
            return report_amount(errno, had);
        }
    }
    return report_amount(0, wanted);
}

static int eat_memfd_action(int count, char **arguments) {
    (void)count;
    int descriptor = memfd_create("probe", MFD_CLOEXEC);
    if (descriptor < 0) {
        return report_errno(errno, "memfd_create");
    }
    return fill(descriptor, (int)number_argument(arguments[0], MOST_MEBIBYTES));
}

// What memfd_create gives for each of its flags about execution.
static int memfd_flags_action(int count, char **arguments) {
    (void)count;
    (void)arguments;
    static const struct {
        const char *name;
        unsigned flags;
    } kinds[] = {{"plain", 0}, {"exec", MFD_EXEC}, {"noexec", MFD_NOEXEC_SEAL}, {"sealing", MFD_ALLOW_SEALING}};
    char text[256];
    size_t length = 0;
    for (size_t index = 0; index < sizeof kinds / sizeof kinds[0]; index++) {
        int descriptor = memfd_create("probe", MFD_CLOEXEC | kinds[index].flags);
        const char *result = descriptor >= 0 ? "ok" : error_name(errno);
        if (descriptor >= 0) {
            close(descriptor);
        }
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%s=%s", index > 0 ? " " : "", kinds[index].name, result);
    }
    return report_ok("%s", text);
}

// The file stays: a test that measures what is left has to find it, and removes it.
static int eat_disk_action(int count, char **arguments) {
    (void)count;
    int wanted = (int)number_argument(arguments[1], MOST_MEBIBYTES);
    int descriptor = open(arguments[0], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    return descriptor < 0 ? report_errno(errno, "open") : fill(descriptor, wanted);
}

// The files stay, as in eat-disk.
static int eat_files_action(int count, char **arguments) {
    (void)count;
    int wanted = (int)number_argument(arguments[1], MOST_FILES);
    int directory = open(arguments[0], O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) {
        return report_errno(errno, "open");
    }
    for (int had = 0; had < wanted; had++) {
        char name[32];
        snprintf(name, sizeof name, "probe-%06d", had);
        int descriptor = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (descriptor < 0) {
            return report_amount(errno, had);
        }
        close(descriptor);
    }
    return report_amount(0, wanted);
}

// Lines of 64 bytes; the report comes after them, on a line of its own.
static int flood(int descriptor, const char *amount) {
    uint64_t left = number_argument(amount, most_output);
    memset(block, 'x', sizeof block);
    for (size_t offset = 63; offset < sizeof block; offset += 64) {
        block[offset] = '\n';
    }
    while (left > 0) {
        size_t size = left < sizeof block ? (size_t)left : sizeof block;
        block[size - 1] = '\n';
        if (write_fully(descriptor, block, size) != 0) {
            return report_errno(errno, "write");
        }
        left -= size;
    }
    return report_ok("%s", amount);
}

static int flood_stdout_action(int count, char **arguments) {
    (void)count;
    return flood(STDOUT_FILENO, arguments[0]);
}

static int flood_stderr_action(int count, char **arguments) {
    (void)count;
    return flood(STDERR_FILENO, arguments[0]);
}

const struct probe_command memory_commands[] = {
    {"eat-memory", 1, 1, "MEBIBYTES", eat_memory_action},
    {"eat-memfd", 1, 1, "MEBIBYTES", eat_memfd_action},
    {"memfd-flags", 0, 0, "", memfd_flags_action},
    {"eat-disk", 2, 2, "PATH MEBIBYTES", eat_disk_action},
    {"eat-files", 2, 2, "DIRECTORY COUNT", eat_files_action},
    {"flood-stdout", 1, 1, "BYTES", flood_stdout_action},
    {"flood-stderr", 1, 1, "BYTES", flood_stderr_action},
    {NULL, 0, 0, NULL, NULL},
};
