// The sandbox's pid 1 once the tool runs: reaps, forwards orders, and takes everything with it when it goes. Its own death,
// by whatever cause, makes the kernel kill every process of the pid namespace.
#define _GNU_SOURCE
#include "sandbox_core.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void on_child(int number)
{
    (void)number; // ppoll returns; the loop reaps
}

static void kill_all(void)
{
    kill(-1, SIGKILL); // from pid 1: everybody in the namespace but itself
}

// Returns whether the tool itself was among the reaped; its wait status goes to `*status`.
static int reap(pid_t tool, int *status)
{
    int seen = 0, now;
    pid_t ended;
    while ((ended = waitpid(-1, &now, WNOHANG | __WALL)) > 0)
        if (ended == tool) {
            *status = now;
            seen = 1;
        }
    return seen;
}

static void answer_usage(int status_socket, int own_io)
{
    struct gb_message message = {.kind = GB_MESSAGE_USAGE};
    gb_count_usage(&message.usage, own_io);
    send(status_socket, &message, sizeof message, MSG_NOSIGNAL);
}

static void obey(int status_socket, int own_io, pid_t tool, const struct gb_order *order)
{
    switch (order->kind) {
    case GB_ORDER_SIGNAL:
        // The tool leads its own session, so its group is its own pid; it may also have left nobody in it.
        if (order->signal > 0 && order->signal < NSIG && kill(-tool, order->signal) < 0) kill(tool, order->signal);
        break;
    case GB_ORDER_KILL:
        if (order->pid > 1)
            kill(order->pid, SIGKILL);
        else
            kill_all();
        break;
    case GB_ORDER_USAGE: answer_usage(status_socket, own_io); break;
    default: break; // a supervisor of the same build sends nothing else
    }
}

static _Noreturn void finish(int status_socket, int own_io, int status)
{
    kill_all();
    while (waitpid(-1, NULL, __WALL) > 0 || errno == EINTR) {
    }
    struct gb_message message = {.kind = GB_MESSAGE_EXITED, .status = status};
    gb_count_reaped_usage(&message.usage, own_io);
    send(status_socket, &message, sizeof message, MSG_NOSIGNAL);
    _exit(0);
}

_Noreturn void gb_run_init(int status_socket, int own_io, pid_t tool)
{
    // SIGCHLD is blocked since before the tool was cloned and open only inside ppoll: no exit slips between reap and wait.
    struct sigaction action = {.sa_handler = on_child};
    sigaction(SIGCHLD, &action, NULL);
    sigset_t open_mask;
    sigemptyset(&open_mask);
    struct pollfd poller = {.fd = status_socket, .events = POLLIN};
    for (;;) {
        int status = 0;
        if (reap(tool, &status)) finish(status_socket, own_io, status);
        if (ppoll(&poller, 1, NULL, &open_mask) < 0) continue;
        struct gb_order order;
        ssize_t length = recv(status_socket, &order, sizeof order, MSG_DONTWAIT);
        if (length == (ssize_t)sizeof order)
            obey(status_socket, own_io, tool, &order);
        else if (length == 0 || (length < 0 && errno != EAGAIN && errno != EINTR))
            _exit(1); // the supervisor is gone: nobody may outlive it
    }
}
