#define _GNU_SOURCE
#include "sandbox_core.h"

#include <errno.h>
#include <sys/resource.h>

int gb_apply_limits(const struct gb_spec_view *spec, uint64_t *clamped, uint32_t *detail)
{
    for (uint32_t i = 0; i < spec->header.rlimits.count; i++) {
        const struct gb_rlimit *wanted = &spec->rlimits[i];
        struct rlimit now;
        *detail = i;
        if (getrlimit((__rlimit_resource_t)wanted->resource, &now) < 0) return -errno;
        struct rlimit next = {.rlim_cur = wanted->soft, .rlim_max = wanted->hard};
        clamped[i] = UINT64_MAX;
        if (now.rlim_max < next.rlim_max) { // raising it would take CAP_SYS_RESOURCE, and the lower one is the safer one
            next.rlim_max = now.rlim_max;
            clamped[i] = now.rlim_max;
        }
        if (next.rlim_cur > next.rlim_max) next.rlim_cur = next.rlim_max;
        if (setrlimit((__rlimit_resource_t)wanted->resource, &next) < 0) return -errno;
    }
    return 0;
}
