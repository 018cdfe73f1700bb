// Kernel constants younger than the C library's headers (Debian 12 ships 6.1 headers). Each block names the kernel that
// brought it. The values are ABI: they never change.
#ifndef GLOVEBOX_KERNEL_ABI_H
#define GLOVEBOX_KERNEL_ABI_H

#include <stdint.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

// clone3 (5.3), CLONE_INTO_CGROUP (5.7)
#define GBK_CLONE_NEWTIME 0x00000080ull
#define GBK_CLONE_PIDFD 0x00001000ull
#define GBK_CLONE_INTO_CGROUP 0x200000000ull

struct gbk_clone_args {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

// openat2 (5.6)
#define GBK_RESOLVE_NO_MAGICLINKS 0x02ull
#define GBK_RESOLVE_NO_SYMLINKS 0x04ull
#define GBK_RESOLVE_IN_ROOT 0x10ull

struct gbk_open_how {
    uint64_t flags, mode, resolve;
};

// open_tree, move_mount (5.2), mount_setattr (5.12)
#define GBK_OPEN_TREE_CLONE 1u
#define GBK_OPEN_TREE_CLOEXEC 02000000u
#define GBK_AT_RECURSIVE 0x8000u
#define GBK_MOVE_MOUNT_F_EMPTY_PATH 0x00000004u
#define GBK_MOVE_MOUNT_T_EMPTY_PATH 0x00000040u
#define GBK_MOUNT_ATTR_RDONLY 0x00000001ull
#define GBK_MOUNT_ATTR_NOSUID 0x00000002ull
#define GBK_MOUNT_ATTR_NODEV 0x00000004ull
#define GBK_MOUNT_ATTR_NOEXEC 0x00000008ull
#define GBK_MOUNT_ATTR_IDMAP 0x00100000ull

struct gbk_mount_attr {
    uint64_t attr_set, attr_clr, propagation, userns_fd;
};

// Landlock: the ruleset attribute grew with ABI 4 (handled_access_net) and 6 (scoped).
#define GBK_LANDLOCK_CREATE_RULESET_VERSION 1u
#define GBK_LANDLOCK_RULE_PATH_BENEATH 1
// Rights that make sense on a file that is no directory (EXECUTE, WRITE_FILE, READ_FILE, TRUNCATE, IOCTL_DEV, and
// RESOLVE_UNIX of ABI 9); the others make landlock_add_rule fail with EINVAL there.
#define GBK_LANDLOCK_FILE_RIGHTS ((1ull << 0) | (1ull << 1) | (1ull << 2) | (1ull << 14) | (1ull << 15) | (1ull << 16))

struct gbk_landlock_ruleset_attr {
    uint64_t handled_access_fs, handled_access_net, scoped;
};

struct gbk_landlock_path_beneath_attr {
    uint64_t allowed_access;
    int32_t parent_fd;
} __attribute__((packed));

// seccomp: listener (5.0), WAIT_KILLABLE_RECV (5.19)
#define GBK_SECCOMP_SET_MODE_FILTER 1u
#define GBK_SECCOMP_FILTER_FLAG_NEW_LISTENER (1ul << 3)
#define GBK_SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1ul << 5)

#endif
