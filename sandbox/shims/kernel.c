#define _GNU_SOURCE
#include "linux_shims.h"
#include "result.h"

#include <linux/capability.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

int gbx_landlock_abi(void)
{
    return (int)gbx_result(syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION));
}

int gbx_random(void *buffer, size_t count)
{
    size_t filled = 0;
    while (filled < count) {
        ssize_t got = getrandom((char *)buffer + filled, count - filled, 0);
        if (got < 0 && errno == EINTR)
            continue; // only before the pool is ready, or for large buffers
        if (got < 0)
            return -errno;
        filled += (size_t)got;
    }
    return 0;
}

const char *gbx_errno_symbol(int number)
{
    return strerrorname_np(number);
}

const char *gbx_errno_text(int number)
{
    const char *text = strerrordesc_np(number); // constant text, not translated: safe from every thread
    return text != NULL ? text : "unknown error";
}

int gbx_effective_capabilities(uint64_t *out)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    memset(data, 0, sizeof data);
    *out = 0;
    if (syscall(SYS_capget, &header, data) != 0)
        return -errno;
    *out = (uint64_t)data[0].effective | (uint64_t)data[1].effective << 32;
    return 0;
}

int gbx_limit(int resource, uint64_t *soft, uint64_t *hard)
{
    struct rlimit limit;
    *soft = *hard = 0;
    if (getrlimit(resource, &limit) != 0)
        return -errno;
    *soft = limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
    *hard = limit.rlim_max == RLIM_INFINITY ? UINT64_MAX : limit.rlim_max;
    return 0;
}
