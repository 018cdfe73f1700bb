// A start-up may write: a warning about an option, a .pth file with a mistake in it. A call would see that, so an interpreter that
// did is none that may wait.
#define _GNU_SOURCE
#include "parked_python.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

static int heard = -1;

bool listen_to_start_up(void)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) return false;
    // Out of the way of what start-up opens.
    heard = fcntl(ends[0], F_DUPFD_CLOEXEC, 64);
    bool done = heard >= 0 && dup2(ends[1], 1) == 1 && dup2(ends[1], 2) == 2;
    close(ends[0]);
    close(ends[1]);
    return done;
}

static bool flush(const struct python_api *python, const char *name)
{
    python_object *stream = python->PySys_GetObject(name);
    python_object *nothing = stream == NULL ? NULL : python->PyObject_CallMethod(stream, "flush", NULL);
    if (nothing == NULL) return false;
    python->Py_DecRef(nothing);
    return true;
}

bool was_start_up_silent(const struct python_api *python)
{
    bool silent = flush(python, "stdout") && flush(python, "stderr") && fflush(NULL) == 0;
    struct pollfd entry = {.fd = heard, .events = POLLIN};
    silent = silent && poll(&entry, 1, 0) == 0;
    // Nothing but what was there before: input is still what says nothing.
    if (dup2(0, 1) != 1 || dup2(0, 2) != 2) return false;
    close(heard);
    heard = -1;
    return silent;
}
