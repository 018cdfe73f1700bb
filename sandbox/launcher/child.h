// What the two parts of a new process know of each other: child.c, which builds the sandbox and becomes its init, and tool.c, the tool's
// first steps, which share the init's memory and descriptors until execve.
#ifndef GLOVEBOX_CHILD_H
#define GLOVEBOX_CHILD_H

#include "launch.h"

enum { PROGRAM_PATH_MAX = 4096 };

// How a parked tool left off.
enum tool_left {
    TOOL_LOST = 0,   // it is dead, and nothing of the call was done
    TOOL_EXECUTES,   // it was about to execute: it has, or `failed` says why not
    TOOL_HANDS_BACK, // the call narrows: it is received and checked, and belongs to a tool that is not filtered yet
    TOOL_UNWANTED,   // there will be no call
};

struct child {
    struct launch *launch;
    const struct gb_spec_view *spec;  // the sandbox
    const struct gb_spec_view *call;  // what is this call's own: the same, or what a parked sandbox was started with
    const struct gb_spec_view *limits; // which of the two has the limits
    int ruleset;
    int narrower;       // ruleset of a start, on top of the other; or -1
    int own_io;
    int listener;
    int failed;         // errno of the failed step, 0 while all is well
    enum gb_stage stage;
    uint32_t detail;
    char *program;      // PROGRAM_PATH_MAX bytes in which the path handed to execve stands
    enum tool_left left;
    struct gb_message started;
};

static inline void passed(struct child *child, enum gb_stage stage)
{
    child->started.stage_ns[stage] = gb_now_ns();
}

// tool.c. Both return when the tool has executed or given up (`failed`, with its stage and detail), with its number; or -errno.
pid_t tool_start(struct child *child);
pid_t tool_park(struct child *child); // waits for the call first; `left` says what became of it

#endif
