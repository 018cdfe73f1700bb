#define _GNU_SOURCE
#include "sandbox_core.h"

#include <errno.h>
#include <linux/filter.h>

int gb_install_filter(const struct gb_spec_view *spec, int notify)
{
    struct sock_fprog program = {
        .len = (unsigned short)(spec->header.filter.count / sizeof(struct sock_filter)),
        .filter = (struct sock_filter *)(uintptr_t)spec->filter,
    };
    unsigned long flags = 0;
    // WAIT_KILLABLE_RECV (5.19): once the supervisor has taken a notification, only a fatal signal interrupts the call, so an
    // act that was done on the tool's behalf is never answered with EINTR and tried twice.
    if (notify) flags = GBK_SECCOMP_FILTER_FLAG_NEW_LISTENER | GBK_SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    long result = syscall(SYS_seccomp, GBK_SECCOMP_SET_MODE_FILTER, flags, &program);
    if (result < 0 && errno == EINVAL && notify) // an older kernel: a signal may make the tool try such a call twice
        result = syscall(SYS_seccomp, GBK_SECCOMP_SET_MODE_FILTER, GBK_SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    return result < 0 ? -errno : (int)result; // the listener is close-on-exec from birth
}
