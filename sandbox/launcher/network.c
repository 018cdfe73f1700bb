// One network namespace for many sandboxes, with nothing in it.
//
// Making a network namespace is most of what cloning a sandbox costs, and the kernel makes and unmakes one at a time. So root's
// launcher steps into one itself, where the loopback is down and stays so: it belongs to the host's user namespace, over which no
// sandbox has any right, and the launcher has no use for a network. Children that may share it are cloned without one of their own.
// Whether a sandbox may is the supervisor's word, and checked in the spec: it has no way to an abstract socket or to /proc/net, which
// is all that one could see of another there.
#define _GNU_SOURCE
#include "launch.h"

#include <sched.h>

int network_is_shared(struct launcher *launcher, const struct launch *launch)
{
    if (!launcher->is_root || !(launch->spec.header.flags & GB_SPEC_SHARED_NETWORK)) return 0;
    // A launcher that serves one launch would make a namespace for it either way.
    if (launcher->network == NETWORK_OF_HOST && (launcher->next_serial > 0 || launch->parks))
        launcher->network = unshare(CLONE_NEWNET) == 0 ? NETWORK_EMPTY : NETWORK_REFUSED;
    return launcher->network == NETWORK_EMPTY;
}
