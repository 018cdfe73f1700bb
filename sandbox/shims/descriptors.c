#define _GNU_SOURCE
#include "linux_shims.h"
#include "result.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

int gbx_pipe(int ends[2])
{
    return (int)gbx_result(pipe2(ends, O_CLOEXEC));
}

int gbx_eventfd(unsigned initial)
{
    return (int)gbx_result(eventfd(initial, EFD_CLOEXEC | EFD_NONBLOCK));
}

int gbx_duplicate(int fd, int lowest)
{
    return (int)gbx_result(fcntl(fd, F_DUPFD_CLOEXEC, lowest));
}

int gbx_readable_bytes(int fd)
{
    int count = 0;
    int result = (int)gbx_result(ioctl(fd, FIONREAD, &count));
    return result < 0 ? result : count;
}

int gbx_status_flags(int fd)
{
    return (int)gbx_result(fcntl(fd, F_GETFL));
}

int gbx_set_nonblocking(int fd, int on)
{
    int flags = gbx_status_flags(fd);
    if (flags < 0)
        return flags;
    int wanted = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
    return wanted == flags ? 0 : (int)gbx_result(fcntl(fd, F_SETFL, wanted));
}

int gbx_is_nonblocking(int fd)
{
    int flags = gbx_status_flags(fd);
    return flags < 0 ? flags : (flags & O_NONBLOCK) != 0;
}

int gbx_is_close_on_exec(int fd)
{
    int flags = (int)gbx_result(fcntl(fd, F_GETFD));
    return flags < 0 ? flags : (flags & FD_CLOEXEC) != 0;
}

int gbx_try_lock(int fd)
{
    return (int)gbx_result(flock(fd, LOCK_EX | LOCK_NB));
}

int gbx_memfd(const char *name, unsigned flags)
{
    return (int)gbx_result(memfd_create(name, flags | MFD_CLOEXEC));
}

int gbx_add_seals(int fd, int seals)
{
    return (int)gbx_result(fcntl(fd, F_ADD_SEALS, seals));
}

int gbx_seals(int fd)
{
    return (int)gbx_result(fcntl(fd, F_GET_SEALS));
}
