// Reads and checks a launch spec. Nothing is copied: the view points into the spec's bytes.
#ifndef GLOVEBOX_SPEC_READER_H
#define GLOVEBOX_SPEC_READER_H

#include "launch_spec.h"

#include <stddef.h>

struct gb_spec_view {
    struct gb_spec header;
    const char *strings;
    const uint32_t *argv;
    const uint32_t *envp;
    const struct gb_mount *mounts;
    const struct gb_path_rule *path_rules;
    const struct gb_rlimit *rlimits;
    const uint8_t *filter;
};

// Returns 0, or -errno with `*where` naming the first field that is wrong: EINVAL malformed, EPROTO another version, E2BIG
// over a bound, EOPNOTSUPP an unknown flag or kind. `bytes` must be aligned to 8.
int gb_spec_read(const void *bytes, size_t size, struct gb_spec_view *view, const char **where);

// Whether what a START brings leaves the parked sandbox as narrow as it is, or makes it narrower: 0, or -errno. Both were read.
int gb_spec_check_start(const struct gb_spec_view *parked, const struct gb_spec_view *start);

// The string at `offset`; only for offsets that gb_spec_read has checked.
static inline const char *gb_spec_string(const struct gb_spec_view *view, uint32_t offset)
{
    return view->strings + offset;
}

#endif
