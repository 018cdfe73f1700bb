// One launch inside glovebox-launcher: what the request brought, and the two halves that carry it out.
#ifndef GLOVEBOX_LAUNCH_H
#define GLOVEBOX_LAUNCH_H

#include "sandbox_core.h"

#include <stdatomic.h>

// Lives in memory shared with the children. A child whose id maps the launcher writes waits until `serial` has
// reached its own number; numbers only grow, so a late child is never overtaken by the next launch.
struct gate {
    _Atomic uint32_t serial;
};

struct launcher {
    int control;          // SOCK_SEQPACKET from the supervisor
    int proc;             // O_PATH of /proc, for id maps
    int liveness_read;    // children see the end of this pipe when the launcher is gone
    int liveness_write;
    struct gate *gate;
    int is_root;           // the host's root: may keep templates and hold namespaces
    uint32_t next_serial;
    int janitor;          // socket to the janitor, or -1; started with the second launch
    enum { NETWORK_OF_HOST, NETWORK_EMPTY, NETWORK_REFUSED } network; // which namespace this process stands in (network.c)
};

struct launch {
    struct gb_spec_view spec;
    const void *spec_bytes; // as received
    int status;           // per-run socket to the supervisor
    struct gb_stdio stdio;
    int cgroup_v2;        // directory, or -1
    int cgroups[GB_MAX_CGROUPS]; // v1 tasks files
    uint32_t cgroup_count;
    uint32_t serial;
    int trees[GB_MAX_MOUNTS]; // detached bind sources, or -1
    int root;             // detached copy of the template, or -1: the child builds all of its root itself
    struct gb_preparation prepare;
    int parks;            // the sandbox waits for its call, which brings stdio
    int shares_network;   // its network namespace is the launcher's empty one
    int trees_from;       // in a prepared process: the socket on which the sources come; 0: they are here
    uint64_t began_ns;
    uint64_t request_ns;
};

// main.c's loop calls this for each request; answers go to launch->status.
void launch_run(struct launcher *launcher, struct launch *launch);

// request.c: fills `launch` from one control message. Returns 0; or a negative errno for which the supervisor has been told
// when it gave a status socket; or 1 at the end of the control socket; or 2 for a preparation, which is then in launch->prepare.
int request_receive(struct launcher *launcher, struct launch *launch);
void request_release(struct launch *launch);

// Descriptors of one message, in the order in which they were passed.
struct received {
    int descriptors[GB_MAX_DESCRIPTORS];
    uint32_t count;
    uint32_t taken;
};
struct msghdr;
void collect_received(struct msghdr *header, struct received *received);
int take_received(struct received *received); // the next one, or -1
// The channel leads to the supervisor and nowhere else: a connected unix byte stream, as socketpair makes it. Any other
// descriptor under that number would be a way past every rule of the sandbox.
int check_channel(int channel);

// template.c: finished roots that runs of one policy share as copies. Only the host's root can make mounts outside a sandbox.
// A detached copy of the template that the spec names; TEMPLATE_NONE when there is none (yet): the child then builds all of its
// root. -errno with the mount in `*detail` when one could not be built.
#define TEMPLATE_NONE (-1000000)
int template_copy(const struct gb_spec_view *spec, uint32_t *detail);

// janitor.c
void janitor_hold(struct launcher *launcher, pid_t pid, int pidfd); // best effort: the mount namespace outlives the init
void janitor_keep(struct launcher *launcher, pid_t pid, int pidfd); // the launcher itself is the janitor of its only launch
void janitor_end(void);                                             // before the launcher ends: returns when that init has

// launch.c
long clone_child(const struct gb_spec *spec, int cgroup_v2, int shares_network, int *pidfd);
void open_gate(const struct launcher *launcher, uint32_t serial);

// prepare.c: a process that is made ahead of its launch.
void prepare_run(struct launcher *launcher, const struct gb_preparation *asked); // a failure leaves nothing prepared
pid_t prepare_take(const struct launch *launch, int *pidfd);                     // 0: none that fits; the launch makes its own
int prepare_finish(const struct launch *launch);                                 // after prepare_take: the detached sources
int prepare_was_only(void);                                                      // no other launch follows
void prepare_discard(void);                                                      // returns when it has ended
int prepare_receive(int socket, struct launch *launch);                          // in that process
int prepare_receive_trees(int socket, struct launch *launch);

// park.c: in the process of a sandbox that waits for its call.
#define PARK_UNWANTED 1
int park_begin(int *cgroup_descriptors, uint32_t *count); // before anything opens a file
int park_settle(int *kept[], uint32_t count);             // moves these to 4, 5 …, closes all others
int park_announce(int status);
// Waits for the call and checks it. 0; PARK_UNWANTED when there will be none; -errno for a message that is no such call.
int park_receive(int status, const struct gb_spec_view *parked, struct gb_spec_view *start, struct gb_stdio *stdio_descriptors);

// network.c: 1 when the next child may stand in the launcher's own, empty network namespace.
int network_is_shared(struct launcher *launcher, const struct launch *launch);

// child.c: the new process, from clone to its end.
_Noreturn void child_enter(const struct launcher *launcher, struct launch *launch);
_Noreturn void child_wait(const struct launcher *launcher, const struct gb_spec *ids, uint32_t serial, int socket); // prepared

void report_failure(int status, enum gb_stage stage, int error, uint32_t detail);

#endif
