// What a worker that only transforms what it is given takes from itself, on top of its sandbox: it has its descriptors and its
// memory, and there is no system call left by which it could get anything else.
//
// The sandbox's own filter allows what a program may need to start, and what the kernel decides by names and rights is decided by
// mounts and Landlock. Here nothing has to be decided: no call that takes a name, an address or another process is left, so neither
// a mistake in those layers nor one in the code behind such a call can be reached by the bytes that are parsed next. A Landlock
// ruleset on top would say less: it leaves the calls, and what is open or nameless is not its matter. Whatever else is called ends
// the process, which the run reports as a violation.
#ifndef GLOVEBOX_WORKER_SEAL_H
#define GLOVEBOX_WORKER_SEAL_H

// Leaves what waiting for the call, taking its descriptors and serving it need. Before the program says that it waits. 0 or -errno.
int gb_seal_waiting(void);

// Takes what only the waiting needed: receiving descriptors, placing them, changing the directory, further filters. Once the call's
// descriptors are there, and before a byte of it is looked at. 0 or -errno.
int gb_seal_call(void);

#endif
