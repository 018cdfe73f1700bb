#define _GNU_SOURCE
#include "linux_shims.h"
#include "result.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

int gbx_openat2(int directory, const char *path, int flags, unsigned mode, uint64_t resolve)
{
    struct open_how how;
    memset(&how, 0, sizeof how);
    how.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC);
    how.mode = mode;
    how.resolve = resolve;
    return (int)gbx_result(syscall(SYS_openat2, directory, path, &how, sizeof how));
}

int gbx_renameat2(int from_directory, const char *from, int to_directory, const char *to, unsigned flags)
{
    return (int)gbx_result(renameat2(from_directory, from, to_directory, to, flags));
}

static int64_t nanoseconds(struct statx_timestamp time)
{
    return time.tv_sec * 1000000000 + time.tv_nsec;
}

int gbx_statx(int directory, const char *path, int flags, struct gbx_identity *out)
{
    struct statx record;
    memset(out, 0, sizeof *out);
    if (statx(directory, path, flags, STATX_BASIC_STATS | STATX_MNT_ID | STATX_BTIME, &record) != 0)
        return -errno;
    out->device = makedev(record.stx_dev_major, record.stx_dev_minor);
    out->inode = record.stx_ino;
    out->mount = record.stx_mask & STATX_MNT_ID ? record.stx_mnt_id : 0;
    out->size = record.stx_size;
    out->modified_ns = nanoseconds(record.stx_mtime);
    out->changed_ns = nanoseconds(record.stx_ctime);
    out->born_ns = record.stx_mask & STATX_BTIME ? nanoseconds(record.stx_btime) : 0;
    out->links = record.stx_nlink;
    out->mode = record.stx_mode;
    out->uid = record.stx_uid;
    out->gid = record.stx_gid;
    out->special_major = record.stx_rdev_major;
    out->special_minor = record.stx_rdev_minor;
    return 0;
}

int64_t gbx_getdents(int fd, void *buffer, size_t size)
{
    return gbx_result(syscall(SYS_getdents64, fd, buffer, size));
}

int64_t gbx_filesystem_magic(int fd)
{
    struct statfs record;
    if (fstatfs(fd, &record) != 0)
        return -errno;
    return (int64_t)(uint32_t)record.f_type;
}
