// A program that waits, parked, for the one call that it will serve: its side of descriptor 3.
//
// It was launched like any tool, with every layer around it, and has run nothing of the caller's. Descriptor 3 leads to the
// supervisor and nowhere else. In order: announce, receive, settle, narrow and seal as the program needs it, start.
#ifndef GLOVEBOX_PARKED_PROGRAM_H
#define GLOVEBOX_PARKED_PROGRAM_H

#include "sandbox_core.h"

struct gb_parked_call {
    struct gb_spec_view spec; // with GB_SPEC_START; it points into memory that stays for the life of the process
    struct gb_stdio stdio_descriptors;
};

// Says PARKED on descriptor 3. 0 or -errno.
int gb_parked_announce(void);

// Waits for the call and checks it whole: 0; GB_PARKED_UNWANTED when there will be none; -errno for what is no such call. After
// anything but 0 the program ends, and nothing of the call has run.
#define GB_PARKED_UNWANTED 1
int gb_parked_receive(struct gb_parked_call *call);

// Puts the call's descriptors in place, 0, 1, 2 and the channel as 3, and closes all others but the call socket, whose new number
// it returns; or -errno. Without a channel 3 is closed.
int gb_parked_settle(const struct gb_parked_call *call);

// Says STARTED and lets the socket go: from here on the call counts as running, and whatever happens to the program happens to
// it. Everything that may still fail has to come before. 0 or -errno.
int gb_parked_start(int socket);

#endif
