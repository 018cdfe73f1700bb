// Actions on the file system.
#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { SHOWN_BYTES = 4096 };

static int open_and_close(const char *path, int flags, mode_t mode) {
    int descriptor = open(path, flags | O_CLOEXEC | O_NOCTTY, mode);
    if (descriptor < 0) {
        return report_errno(errno, "open");
    }
    close(descriptor);
    return report_ok(NULL);
}

// The beginning of the file is the detail, so that a test can look for its canary.
static int show_beginning(const char *path) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (descriptor < 0) {
        return report_errno(errno, "open");
    }
    char text[SHOWN_BYTES + 1];
    ssize_t count = read(descriptor, text, SHOWN_BYTES);
    int error = errno;
    close(descriptor);
    if (count < 0) {
        return report_errno(error, "read");
    }
    while (count > 0 && text[count - 1] == '\n') {
        count--;
    }
    text[count] = '\0';
    return report_ok("%s", text);
}

static int read_action(int count, char **arguments) {
    (void)count;
    return show_beginning(arguments[0]);
}

// Opens and does not touch the content.
static int write_action(int count, char **arguments) {
    (void)count;
    return open_and_close(arguments[0], O_WRONLY, 0);
}

static int create_with(int count, char **arguments, int flags) {
    int descriptor = open(arguments[0], O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);
    if (descriptor < 0) {
        return report_errno(errno, "open");
    }
    int result = count > 1 ? write_fully(descriptor, arguments[1], strlen(arguments[1])) : 0;
    int error = errno;
    close(descriptor);
    return result == 0 ? report_ok(NULL) : report_errno(error, "write");
}

static int create_action(int count, char **arguments) {
    return create_with(count, arguments, O_TRUNC);
}

static int create_excl_action(int count, char **arguments) {
    return create_with(count, arguments, O_EXCL);
}

static int mkdir_action(int count, char **arguments) {
    (void)count;
    return report_result(mkdir(arguments[0], 0755), "mkdir");
}

static int rename_action(int count, char **arguments) {
    (void)count;
    return report_result(rename(arguments[0], arguments[1]), "rename");
}

static int rename_exchange_action(int count, char **arguments) {
    (void)count;
    return report_result(renameat2(AT_FDCWD, arguments[0], AT_FDCWD, arguments[1], RENAME_EXCHANGE), "renameat2");
}

static int link_action(int count, char **arguments) {
    (void)count;
    return report_result(link(arguments[0], arguments[1]), "link");
}

static int symlink_action(int count, char **arguments) {
    (void)count;
    return report_result(symlink(arguments[0], arguments[1]), "symlink");
}

static int readlink_action(int count, char **arguments) {
    (void)count;
    char target[SHOWN_BYTES + 1];
    ssize_t length = readlink(arguments[0], target, SHOWN_BYTES);
    if (length < 0) {
        return report_errno(errno, "readlink");
    }
    target[length] = '\0';
    return report_ok("%s", target);
}

static int mknod_action(int count, char **arguments) {
    const char *kind = count > 1 ? arguments[1] : "char";
    if (strcmp(kind, "fifo") == 0) {
        return report_result(mknod(arguments[0], S_IFIFO | 0644, 0), "mknod");
    }
    if (strcmp(kind, "block") == 0) {
        return report_result(mknod(arguments[0], S_IFBLK | 0600, makedev(7, 255)), "mknod");  // a loop device
    }
    if (strcmp(kind, "char") == 0) {
        return report_result(mknod(arguments[0], S_IFCHR | 0666, makedev(1, 3)), "mknod");  // the null device
    }
    fprintf(stderr, "sandbox-probe: mknod makes block, char or fifo, not %s\n", kind);
    return PROBE_USAGE_STATUS;
}

static int unlink_action(int count, char **arguments) {
    (void)count;
    return report_result(unlink(arguments[0]), "unlink");
}

static int rmdir_action(int count, char **arguments) {
    (void)count;
    return report_result(rmdir(arguments[0]), "rmdir");
}

static int show_status(const char *path, int flags) {
    struct stat status;
    if (fstatat(AT_FDCWD, path, &status, flags) != 0) {
        return report_errno(errno, "stat");
    }
    return report_ok("mode=%o uid=%u gid=%u size=%lld dev=%llu ino=%llu", status.st_mode, status.st_uid, status.st_gid,
                     (long long)status.st_size, (unsigned long long)status.st_dev, (unsigned long long)status.st_ino);
}

static int stat_action(int count, char **arguments) {
    (void)count;
    return show_status(arguments[0], 0);
}

static int lstat_action(int count, char **arguments) {
    (void)count;
    return show_status(arguments[0], AT_SYMLINK_NOFOLLOW);
}

static int statfs_action(int count, char **arguments) {
    (void)count;
    struct statfs status;
    if (statfs(arguments[0], &status) != 0) {
        return report_errno(errno, "statfs");
    }
    return report_ok("type=%lx bytes=%llu files=%llu flags=%lx", (unsigned long)status.f_type,
                     (unsigned long long)status.f_blocks * (unsigned long long)status.f_bsize,
                     (unsigned long long)status.f_files, (unsigned long)status.f_flags);
}

static int list_action(int count, char **arguments) {
    (void)count;
    DIR *directory = opendir(arguments[0]);
    if (directory == NULL) {
        return report_errno(errno, "opendir");
    }
    static char names[PROBE_LINE_SIZE];
    size_t length = 0;
    for (const struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        size_t more = strlen(entry->d_name);
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || length + more + 2 > sizeof names) {
            continue;
        }
        length += (size_t)snprintf(names + length, sizeof names - length, "%s%s", length > 0 ? " " : "", entry->d_name);
    }
    closedir(directory);
    return length > 0 ? report_ok("%s", names) : report_ok(NULL);
}

static int chmod_action(int count, char **arguments) {
    (void)count;
    char octal[32];
    snprintf(octal, sizeof octal, "0%s", arguments[1]);
    return report_result(chmod(arguments[0], (mode_t)number_argument(octal, 07777)), "chmod");
}

static int chown_action(int count, char **arguments) {
    (void)count;
    uid_t user = (uid_t)number_argument(arguments[1], UINT32_MAX);
    gid_t group = (gid_t)number_argument(arguments[2], UINT32_MAX);
    return report_result(chown(arguments[0], user, group), "chown");
}

static int setxattr_action(int count, char **arguments) {
    const char *name = count > 1 ? arguments[1] : "user.probe";
    return report_result(setxattr(arguments[0], name, "x", 1, 0), "setxattr");
}

static int truncate_action(int count, char **arguments) {
    off_t length = count > 1 ? (off_t)number_argument(arguments[1], 1u << 30) : 0;
    return report_result(truncate(arguments[0], length), "truncate");
}

static int openat2_action(int count, char **arguments) {
    (void)count;
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC};
    long descriptor = syscall(SYS_openat2, AT_FDCWD, arguments[0], &how, sizeof how);
    if (descriptor < 0) {
        return report_errno(errno, "openat2");
    }
    close((int)descriptor);
    return report_ok(NULL);
}

static int open_tmpfile_action(int count, char **arguments) {
    (void)count;
    return open_and_close(arguments[0], O_TMPFILE | O_RDWR, 0600);
}

static int cwd_action(int count, char **arguments) {
    (void)count;
    (void)arguments;
    char path[SHOWN_BYTES];
    return getcwd(path, sizeof path) != NULL ? report_ok("%s", path) : report_errno(errno, "getcwd");
}

// The type does not exist: a caller that may mount gets ENODEV, one that may not gets EPERM, and nothing is mounted.
static int mount_attempt_action(int count, char **arguments) {
    (void)count;
    (void)arguments;
    return report_result(mount("none", "/", "no-such-file-system", 0, NULL), "mount");
}

// What opens for reading of the entries of /proc that tell about the host or reach into the kernel.
static int proc_visible_action(int count, char **arguments) {
    (void)count;
    (void)arguments;
    static const char *const names[] = {
        "kcore",    "keys",      "kallsyms", "kmsg",      "kpagecount",   "kpageflags",    "timer_list",   "interrupts",
        "vmallocinfo", "modules", "iomem",    "config.gz", "sched_debug", "latency_stats", "sysrq-trigger", "acpi",
    };
    char text[1024];
    size_t length = 0;
    for (size_t index = 0; index < sizeof names / sizeof names[0]; index++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/%s", names[index]);
        // One of them starts actions when it is written, so nothing is ever opened for writing here.
        int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        const char *result = descriptor >= 0 ? "ok" : error_name(errno);
        if (descriptor >= 0) {
            close(descriptor);
        }
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%s=%s", index > 0 ? " " : "", names[index], result);
    }
    return report_ok("%s", text);
}

const struct probe_command file_commands[] = {
    {"read", 1, 1, "PATH", read_action},
    {"write", 1, 1, "PATH", write_action},
    {"create", 1, 2, "PATH [TEXT]", create_action},
    {"create-excl", 1, 2, "PATH [TEXT]", create_excl_action},
    {"mkdir", 1, 1, "PATH", mkdir_action},
    {"rename", 2, 2, "FROM TO", rename_action},
    {"rename-exchange", 2, 2, "PATH PATH", rename_exchange_action},
    {"link", 2, 2, "FROM TO", link_action},
    {"symlink", 2, 2, "TARGET LINK", symlink_action},
    {"readlink", 1, 1, "PATH", readlink_action},
    {"mknod", 1, 2, "PATH [block|char|fifo]", mknod_action},
    {"unlink", 1, 1, "PATH", unlink_action},
    {"rmdir", 1, 1, "PATH", rmdir_action},
    {"stat", 1, 1, "PATH", stat_action},
    {"lstat", 1, 1, "PATH", lstat_action},
    {"statfs", 1, 1, "PATH", statfs_action},
    {"list", 1, 1, "DIRECTORY", list_action},
    {"chmod", 2, 2, "PATH OCTAL-MODE", chmod_action},
    {"chown", 3, 3, "PATH UID GID", chown_action},
    {"setxattr", 1, 2, "PATH [NAME]", setxattr_action},
    {"truncate", 1, 2, "PATH [LENGTH]", truncate_action},
    {"openat2", 1, 1, "PATH", openat2_action},
    {"open-tmpfile", 1, 1, "DIRECTORY", open_tmpfile_action},
    {"cwd", 0, 0, "", cwd_action},
    {"sysctl-read", 1, 1, "PATH", read_action},
    {"mount-attempt", 0, 0, "", mount_attempt_action},
    {"proc-visible", 0, 0, "", proc_visible_action},
    {NULL, 0, 0, NULL, NULL},
};
