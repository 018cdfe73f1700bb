// What every shim returns: the value, or the negated errno of the call that just failed.
#ifndef GLOVEBOX_SHIM_RESULT_H
#define GLOVEBOX_SHIM_RESULT_H

#include <errno.h>
#include <stdint.h>

static inline int64_t gbx_result(int64_t value)
{
    return value >= 0 ? value : -errno;
}

#endif
