#define _GNU_SOURCE
#include "sandbox_core.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>

int gb_openat2(int directory, const char *path, uint64_t flags, uint64_t resolve)
{
    struct gbk_open_how how = {.flags = flags | O_CLOEXEC, .resolve = resolve};
    long result;
    do {
        result = syscall(SYS_openat2, directory, path, &how, sizeof how);
    } while (result < 0 && (errno == EINTR || errno == EAGAIN)); // EAGAIN: a rename raced with a scoped resolution
    return result < 0 ? -errno : (int)result;
}

int gb_open_tree(int directory, const char *path, unsigned flags)
{
    long result = syscall(SYS_open_tree, directory, path, flags | GBK_OPEN_TREE_CLOEXEC);
    return result < 0 ? -errno : (int)result;
}

int gb_move_mount_here(int tree, int target)
{
    unsigned flags = GBK_MOVE_MOUNT_F_EMPTY_PATH | GBK_MOVE_MOUNT_T_EMPTY_PATH;
    return syscall(SYS_move_mount, tree, "", target, "", flags) < 0 ? -errno : 0;
}

int gb_set_mount_attributes(int tree, const char *path, unsigned at_flags, const struct gbk_mount_attr *attributes)
{
    return syscall(SYS_mount_setattr, tree, path, at_flags, attributes, sizeof *attributes) < 0 ? -errno : 0;
}

uint64_t gb_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
