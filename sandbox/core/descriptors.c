#define _GNU_SOURCE
#include "sandbox_core.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

// Every source is 4 or higher (the launcher keeps 0-2 on /dev/null and 3 as its control socket), so no dup3 here can
// overwrite a source of a later one.
static int place(int source, int number)
{
    if (source <= GB_CONTROL_DESCRIPTOR) return -EBADF;
    return dup3(source, number, 0) < 0 ? -errno : 0; // no close-on-exec: these four are the tool's
}

int gb_place_stdio(const struct gb_stdio *stdio_descriptors)
{
    int failed;
    if ((failed = place(stdio_descriptors->input, 0))) return failed;
    if ((failed = place(stdio_descriptors->output, 1))) return failed;
    if ((failed = place(stdio_descriptors->error, 2))) return failed;
    if (stdio_descriptors->channel >= 0) return place(stdio_descriptors->channel, 3);
    return close(GB_CONTROL_DESCRIPTOR) < 0 ? -errno : 0; // the launcher's control socket is not ours
}

int gb_close_all_but(int keep, int second)
{
    const int kept = 4;
    if (second >= 0 && second != kept + 1) {
        // Out of the way first: the number may be the other one's.
        int moved = fcntl(second, F_DUPFD_CLOEXEC, kept + 2);
        if (moved < 0) return -errno;
        second = moved;
    }
    if (keep != kept && dup3(keep, kept, O_CLOEXEC) < 0) return -errno;
    if (second >= 0 && second != kept + 1 && dup3(second, kept + 1, O_CLOEXEC) < 0) return -errno;
    if (syscall(SYS_close_range, 0u, 3u, 0u) < 0) return -errno;
    unsigned first = second >= 0 ? 6u : 5u;
    return syscall(SYS_close_range, first, ~0u, 0u) < 0 ? -errno : 0;
}
