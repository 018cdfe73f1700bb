#define _GNU_SOURCE
#include "sandbox_core.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

// The new root is assembled under this directory of the host's tree: it must exist everywhere and hold no bind source that is
// opened later (sources are opened, and detached, before it is covered).
static const char base[] = "/tmp";

static uint64_t attributes_of(const struct gb_mount *mount)
{
    uint64_t set = GBK_MOUNT_ATTR_NOSUID;
    if (!(mount->flags & GB_MOUNT_DEVICE)) set |= GBK_MOUNT_ATTR_NODEV;
    if (mount->flags & GB_MOUNT_RDONLY) set |= GBK_MOUNT_ATTR_RDONLY;
    if (mount->flags & GB_MOUNT_NOEXEC) set |= GBK_MOUNT_ATTR_NOEXEC;
    return set;
}

int gb_detach_source(const struct gb_spec_view *spec, const struct gb_mount *mount, int id_map)
{
    int source = gb_openat2(AT_FDCWD, gb_spec_string(spec, mount->source), O_PATH | O_NOFOLLOW,
                            GBK_RESOLVE_NO_SYMLINKS | GBK_RESOLVE_NO_MAGICLINKS);
    if (source < 0) return source;
    struct stat seen;
    int tree;
    if (fstat(source, &seen) < 0)
        tree = -errno;
    else if (seen.st_dev != mount->device || seen.st_ino != mount->inode)
        tree = -ESTALE; // somebody exchanged it after the policy was resolved
    else
        tree = gb_open_tree(source, "", AT_EMPTY_PATH | GBK_OPEN_TREE_CLONE | GBK_AT_RECURSIVE);
    close(source);
    if (tree < 0) return tree;
    struct gbk_mount_attr attributes = {.attr_set = attributes_of(mount)};
    if (id_map >= 0) {
        attributes.attr_set |= GBK_MOUNT_ATTR_IDMAP;
        attributes.userns_fd = (uint64_t)id_map;
    }
    int failed = gb_set_mount_attributes(tree, "", AT_EMPTY_PATH | GBK_AT_RECURSIVE, &attributes);
    if (failed) {
        close(tree);
        return failed;
    }
    return tree;
}

// Inside the new root, which is the current directory: no link is followed, nothing leads out.
static int open_target(const char *target)
{
    return gb_openat2(AT_FDCWD, target, O_PATH | O_NOFOLLOW, GBK_RESOLVE_IN_ROOT | GBK_RESOLVE_NO_SYMLINKS | GBK_RESOLVE_NO_MAGICLINKS);
}

static int attach(int tree, const char *target)
{
    int at = open_target(target);
    if (at < 0) return at;
    int failed = gb_move_mount_here(tree, at);
    close(at);
    return failed;
}

static int create_file(const char *path, const char *text, uint32_t mode)
{
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (file < 0) return -errno;
    size_t length = strlen(text);
    int failed = 0;
    if (length != 0 && write(file, text, length) != (ssize_t)length) failed = -EIO;
    if (close(file) < 0 && failed == 0) failed = -errno;
    return failed;
}

static size_t append(char *out, size_t at, const char *text)
{
    size_t length = strlen(text);
    memcpy(out + at, text, length + 1);
    return at + length;
}

static int mount_tmpfs(const char *target, uint64_t size, uint32_t inodes, uint32_t mode, unsigned long flags)
{
    char options[128]; // three numbers of at most 20 digits and their names
    size_t at = append(options, 0, "size=");
    at += gb_format_number(options + at, sizeof options - at, size);
    at = append(options, at, ",nr_inodes=");
    at += gb_format_number(options + at, sizeof options - at, inodes);
    at = append(options, at, ",mode=");
    for (int shift = 9; shift >= 0; shift -= 3) options[at++] = (char)('0' + (mode >> shift & 7));
    options[at] = '\0';
    return mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV | flags, options) < 0 ? -errno : 0;
}

// /proc belongs to the kernel: nobody can plant a link there, so a plain bind by name does and costs one call. The kind is looked
// at first: a file over a directory is refused only after the copy of the mount was made, and undoing that waits for every
// processor (a grace period, more than all the masks together).
static int mask_in_proc(const char *target)
{
    struct stat seen;
    if (fstatat(AT_FDCWD, target, &seen, AT_SYMLINK_NOFOLLOW) < 0) return -errno;
    const char *sealed = S_ISDIR(seen.st_mode) ? &GB_SEALED_DIRECTORY[1] : &GB_SEALED_FILE[1];
    return mount(sealed, target, NULL, MS_BIND, NULL) < 0 ? -errno : 0;
}

static int mask(const char *target)
{
    if (strncmp(target, "proc/", 5) == 0) return mask_in_proc(target);
    int at = open_target(target);
    if (at < 0) return at;
    struct stat seen;
    int failed = fstat(at, &seen) < 0 ? -errno : 0;
    if (failed == 0) {
        const char *sealed = S_ISDIR(seen.st_mode) ? &GB_SEALED_DIRECTORY[1] : &GB_SEALED_FILE[1];
        int tree = gb_open_tree(AT_FDCWD, sealed, GBK_OPEN_TREE_CLONE);
        failed = tree < 0 ? tree : gb_move_mount_here(tree, at);
        if (tree >= 0) close(tree);
    }
    close(at);
    return failed;
}

static int restrict_part(const char *target, uint32_t flags)
{
    int at = open_target(target);
    if (at < 0) return at;
    struct gbk_mount_attr attributes = {.attr_set = (flags & GB_MOUNT_RDONLY ? GBK_MOUNT_ATTR_RDONLY : 0) |
                                                     (flags & GB_MOUNT_NOEXEC ? GBK_MOUNT_ATTR_NOEXEC : 0)};
    int tree = gb_open_tree(at, "", AT_EMPTY_PATH | GBK_OPEN_TREE_CLONE | GBK_AT_RECURSIVE);
    int failed = tree < 0 ? tree : gb_set_mount_attributes(tree, "", AT_EMPTY_PATH | GBK_AT_RECURSIVE, &attributes);
    if (failed == 0) failed = gb_move_mount_here(tree, at);
    if (tree >= 0) close(tree);
    close(at);
    return failed;
}

static int carry_out(const struct gb_spec_view *spec, const struct gb_mount *entry, int tree)
{
    const char *target = gb_spec_string(spec, entry->target) + 1; // relative to the new root
    const char *source = gb_spec_string(spec, entry->source);
    switch (entry->kind) {
    case GB_MOUNT_DIRECTORY: return mkdir(target, entry->mode) < 0 ? -errno : 0;
    case GB_MOUNT_FILE: return create_file(target, source, entry->mode);
    case GB_MOUNT_SYMLINK: return symlink(source, target) < 0 ? -errno : 0;
    case GB_MOUNT_TMPFS:
        return mount_tmpfs(target, entry->size, entry->inodes, entry->mode,
                           (entry->flags & GB_MOUNT_NOEXEC ? MS_NOEXEC : 0) | (entry->flags & GB_MOUNT_RDONLY ? MS_RDONLY : 0));
    case GB_MOUNT_BIND: return attach(tree, target);
    case GB_MOUNT_PROC: return mount("proc", target, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0 ? -errno : 0;
    case GB_MOUNT_DEVPTS:
        return mount("devpts", target, "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620") < 0 ? -errno : 0;
    case GB_MOUNT_MASK: return mask(target);
    case GB_MOUNT_RESTRICT: return restrict_part(target, entry->flags);
    default: return -EOPNOTSUPP; // gb_spec_read refused it; still no fall-through
    }
}

// Through the fresh proc, before anything covers its sys: the sysctl belongs to the new pid namespace (Linux 6.3). Its file
// is the global root's, so this works only while the process still has the host root's euid.
static int forbid_memfd_exec(void)
{
    int file = open("proc/sys/vm/memfd_noexec", O_WRONLY | O_CLOEXEC);
    if (file < 0) return -errno;
    int failed = write(file, "2", 1) == 1 ? 0 : -errno;
    close(file);
    return failed;
}

int gb_start_root_at(const struct gb_spec_view *spec, const char *place)
{
    int failed = mount_tmpfs(place, spec->header.root_size, spec->header.root_inodes, 0755, 0);
    if (failed) return failed;
    return chdir(place) < 0 ? -errno : 0;
}

int gb_start_root(const struct gb_spec_view *spec)
{
    return gb_start_root_at(spec, base);
}

int gb_start_root_from(int template_tree)
{
    int at = gb_openat2(AT_FDCWD, base, O_PATH | O_DIRECTORY, 0);
    if (at < 0) return at;
    int failed = gb_move_mount_here(template_tree, at);
    close(at);
    if (failed) return failed;
    return chdir(base) < 0 ? -errno : 0; // by name: the descriptor still shows what the root now covers
}

int gb_carry_out(const struct gb_spec_view *spec, uint32_t from, uint32_t to, const int *trees, uint32_t *detail, uint32_t *skipped)
{
    for (uint32_t i = from; i < to; i++) {
        const struct gb_mount *entry = &spec->mounts[i];
        *detail = i;
        int covers = entry->kind == GB_MOUNT_MASK || entry->kind == GB_MOUNT_RESTRICT;
        int failed = carry_out(spec, entry, trees[i]);
        if (failed == -ENOENT && covers) {
            *skipped += 1; // nothing there to cover; creating the name later is refused by the supervisor
            continue;
        }
        if (failed) return failed;
        if (entry->kind == GB_MOUNT_PROC && (spec->header.flags & GB_SPEC_MEMFD_NOEXEC) && (failed = forbid_memfd_exec()))
            return failed;
    }
    return 0;
}

int gb_make_root_read_only(const char *root)
{
    struct gbk_mount_attr attributes = {.attr_set = GBK_MOUNT_ATTR_RDONLY};
    return gb_set_mount_attributes(AT_FDCWD, root, 0, &attributes); // this mount alone: /tmp stays writable
}

int gb_enter_root(void)
{
    // "." twice: the old root ends up stacked over the new one, and detaching it leaves no directory behind (pivot_root(2)).
    if (syscall(SYS_pivot_root, ".", ".") < 0) return -errno;
    if (umount2(".", MNT_DETACH) < 0) return -errno;
    if (chdir("/") < 0) return -errno;
    return gb_make_root_read_only("/");
}
