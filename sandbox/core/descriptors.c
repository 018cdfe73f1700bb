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

int gb_close_all_but(int keep)
{
    const int kept = 4;
    if (keep != kept && dup3(keep, kept, O_CLOEXEC) < 0) return -errno;
    if (syscall(SYS_close_range, 0u, 3u, 0u) < 0) return -errno;
    if (syscall(SYS_close_range, 5u, ~0u, 0u) < 0) return -errno;
    return kept;
}
