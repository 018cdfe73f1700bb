#define _GNU_SOURCE
#include "sandbox_core.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int write_whole(int directory, const char *path, const char *text, size_t length)
{
    int file = openat(directory, path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return -errno;
    ssize_t written = write(file, text, length); // procfs takes a map in one write or not at all
    int error = errno;
    close(file);
    if (written < 0) return -error;
    return (size_t)written == length ? 0 : -EIO;
}

// `others` maps the ids below `inner` too, to ids that nobody has.
static int write_map(int proc, pid_t pid, const char *file, uint32_t inner, uint32_t outer, int others)
{
    char path[64], text[128];
    size_t at = gb_format_number(path, sizeof path, (uint64_t)pid);
    if (at == 0) return -EINVAL;
    path[at++] = '/';
    strcpy(path + at, file); // the longest is "/uid_map"
    size_t length = gb_format_map(text, sizeof text, inner, outer, 1);
    if (length == 0) return -EINVAL;
    if (others && inner > 0) {
        size_t more = gb_format_map(text + length, sizeof text - length, 0, GB_SHARED_ID_BASE, inner);
        if (more == 0) return -EINVAL;
        length += more;
    }
    return write_whole(proc, path, text, length);
}

int gb_write_id_maps(int proc, pid_t pid, const struct gb_spec *spec)
{
    int failed = write_map(proc, pid, "uid_map", spec->inner_uid, spec->outer_uid, 0);
    return failed ? failed : write_map(proc, pid, "gid_map", spec->inner_gid, spec->outer_gid, 0);
}

int gb_write_own_id_maps(const struct gb_spec *spec)
{
    char text[64];
    int failed = write_whole(AT_FDCWD, "/proc/self/setgroups", "deny", 4); // or the kernel refuses a gid map (3.19)
    if (failed) return failed;
    size_t length = gb_format_map(text, sizeof text, spec->inner_uid, spec->outer_uid, 1);
    if (length == 0) return -EINVAL;
    if ((failed = write_whole(AT_FDCWD, "/proc/self/uid_map", text, length))) return failed;
    length = gb_format_map(text, sizeof text, spec->inner_gid, spec->outer_gid, 1);
    if (length == 0) return -EINVAL;
    return write_whole(AT_FDCWD, "/proc/self/gid_map", text, length);
}

int gb_raise_loopback(void)
{
    int probe = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (probe < 0) return -errno;
    struct ifreq request = {.ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING};
    strcpy(request.ifr_name, "lo");
    int failed = ioctl(probe, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
    close(probe);
    return failed;
}

// A user namespace that only serves as the table of an id-mapped mount: on-disk id → tool's id. It holds no process.
int gb_open_id_map_namespace(int proc, const struct gb_mount *mount, uint32_t uid, uint32_t gid, int others)
{
    // The holder waits on a pipe that nobody writes: it ends when we close our end, whatever happens to us.
    int gate[2];
    if (pipe2(gate, O_CLOEXEC) < 0) return -errno;
    // The launcher ignores SIGCHLD: the holder vanishes by itself, and nobody waits for its end.
    struct gbk_clone_args arguments = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
    long holder = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (holder == 0) {
        char none;
        close(gate[1]);
        while (read(gate[0], &none, 1) < 0 && errno == EINTR) {
        }
        _exit(0);
    }
    int result = holder < 0 ? -errno : 0;
    if (result == 0) result = write_map(proc, (pid_t)holder, "uid_map", mount->owner_uid, uid, others);
    if (result == 0) result = write_map(proc, (pid_t)holder, "gid_map", mount->owner_gid, gid, others);
    if (result == 0) {
        char path[64];
        size_t at = gb_format_number(path, sizeof path, (uint64_t)holder);
        strcpy(path + at, "/ns/user");
        int opened = openat(proc, path, O_RDONLY | O_CLOEXEC);
        result = opened < 0 ? -errno : opened;
    }
    close(gate[0]);
    close(gate[1]);
    return result;
}
