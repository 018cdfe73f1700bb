// Actions on the terminal, which is standard input unless a path says otherwise, and on the standard streams.
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

enum { SHOWN_INPUT = 4096 };

// A descriptor of the terminal, or -1 with errno set.
static int open_terminal(int count, char **arguments) {
    return count > 0 ? open(arguments[0], O_RDWR | O_NOCTTY | O_CLOEXEC) : STDIN_FILENO;
}

// The request is given to the kernel as a register holds it: 64 bits, of which it looks at the lower 32.
static int push_input(int count, char **arguments, unsigned long request) {
    int terminal = open_terminal(count, arguments);
    if (terminal < 0) {
        return report_errno(errno, "open");
    }
    const char space = ' ';
    return report_result(syscall(SYS_ioctl, terminal, request, &space), "ioctl");
}

static int tiocsti_action(int count, char **arguments) {
    return push_input(count, arguments, TIOCSTI);
}

static int tiocsti_hibits_action(int count, char **arguments) {
    return push_input(count, arguments, TIOCSTI | 1ul << 32);
}

// Subcode 6 asks for the shift state of a console. A terminal that is none says ENOTTY.
static int tioclinux_action(int count, char **arguments) {
    int terminal = open_terminal(count, arguments);
    if (terminal < 0) {
        return report_errno(errno, "open");
    }
    char subcode = 6;
    return report_result(ioctl(terminal, TIOCLINUX, &subcode), "ioctl");
}

static int tty_name_action(int count, char **arguments) {
    (void)count;
    (void)arguments;
    int controlling = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    const char *state = controlling >= 0 ? "ok" : error_name(errno);
    if (controlling >= 0) {
        close(controlling);
    }
    char name[256];
    int error = ttyname_r(STDIN_FILENO, name, sizeof name);
    return error == 0 ? report_ok("%s controlling=%s", name, state) : report_errno(error, "controlling=%s", state);
}

static int winsize_action(int count, char **arguments) {
    (void)count;
    (void)arguments;
    struct winsize size;
    if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) != 0) {
        return report_errno(errno, "ioctl");
    }
    return report_ok("%ux%u", size.ws_row, size.ws_col);
}

// What can be read from standard input until it ends, and how much it was.
static int stdin_action(int count, char **arguments) {
    (void)count;
    (void)arguments;
    char text[SHOWN_INPUT + 1];
    size_t shown = 0;
    unsigned long long total = 0;
    for (;;) {
        char piece[SHOWN_INPUT];
        ssize_t size = read(STDIN_FILENO, piece, sizeof piece);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0) {
            return report_errno(errno, "read");
        }
        if (size == 0) {
            break;
        }
        total += (unsigned long long)size;
        for (ssize_t index = 0; index < size && shown < SHOWN_INPUT; index++) {
            text[shown++] = piece[index];
        }
    }
    text[shown] = '\0';
    return report_ok("%llu %s", total, text);
}

const struct probe_command terminal_commands[] = {
    {"tiocsti", 0, 1, "[TERMINAL]", tiocsti_action},
    {"tiocsti-hibits", 0, 1, "[TERMINAL]", tiocsti_hibits_action},
    {"tioclinux", 0, 1, "[TERMINAL]", tioclinux_action},
    {"tty-name", 0, 0, "", tty_name_action},
    {"winsize", 0, 0, "", winsize_action},
    {"stdin", 0, 0, "", stdin_action},
    {NULL, 0, 0, NULL, NULL},
};
