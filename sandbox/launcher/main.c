// glovebox-launcher: a fork server for sandboxes. One thread, no heap, no text parsing: it takes launch specs from the
// supervisor that started it, and lives as long as that supervisor's end of the control socket.
#define _GNU_SOURCE
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int check_control(void)
{
    int type = 0;
    socklen_t size = sizeof type;
    if (getsockopt(GB_CONTROL_DESCRIPTOR, SOL_SOCKET, SO_TYPE, &type, &size) < 0 || type != SOCK_SEQPACKET) return -ENOTSOCK;
    return fcntl(GB_CONTROL_DESCRIPTOR, F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0;
}

static int prepare(struct launcher *launcher)
{
    // Whatever the supervisor forgot to mark close-on-exec ends here.
    if (syscall(SYS_close_range, 4u, ~0u, 0u) < 0) return -errno;
    // 0, 1 and 2 are /dev/null or the supervisor's stderr; all must be open, or a later descriptor would take their number.
    for (int number = 0; number <= 2; number++)
        if (fcntl(number, F_GETFD) < 0) return -EBADF;
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) return -errno;
    // Ended sandboxes vanish without a wait: their outcome comes from their own init, their end from the pidfd.
    struct sigaction ignore = {.sa_handler = SIG_IGN, .sa_flags = SA_NOCLDWAIT};
    if (sigaction(SIGCHLD, &ignore, NULL) < 0) return -errno;
    signal(SIGPIPE, SIG_DFL);
    // A terminal's ^C goes to the supervisor, who decides; the launcher leaves when the supervisor does.
    setsid();
    int liveness[2];
    if (pipe2(liveness, O_CLOEXEC) < 0) return -errno;
    launcher->liveness_read = liveness[0];
    launcher->liveness_write = liveness[1];
    launcher->proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (launcher->proc < 0) return -errno;
    launcher->gate = mmap(NULL, sizeof *launcher->gate, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (launcher->gate == MAP_FAILED) return -errno;
    gb_prepare_capabilities();
    launcher->is_root = geteuid() == 0;
    launcher->janitor = -1;
    return 0;
}

int main(void)
{
    static struct launcher launcher = {.control = GB_CONTROL_DESCRIPTOR};
    static struct launch launch;
    if (check_control() < 0) {
        static const char hint[] = "glovebox-launcher is started by glovebox, not by hand: descriptor 3 is no control socket\n";
        if (write(2, hint, sizeof hint - 1) < 0) return GB_LAUNCHER_EXIT_USAGE;
        return GB_LAUNCHER_EXIT_USAGE;
    }
    if (prepare(&launcher) < 0) return GB_LAUNCHER_EXIT_SYSTEM;
    for (;;) {
        int received = request_receive(&launcher, &launch);
        if (received == 0) launch_run(&launcher, &launch);
        if (received == 2) prepare_run(&launcher, &launch.prepare);
        int had_status = launch.status >= 0;
        request_release(&launch);
        if (received == 1) {
            prepare_discard();
            janitor_end();
            return GB_LAUNCHER_EXIT_OK; // the children follow by their death signal
        }
        if (received < 0 && !had_status && received != -EINTR) return GB_LAUNCHER_EXIT_PROTOCOL;
    }
}
