#define _GNU_SOURCE
#include "linux_shims.h"
#include "result.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

int gbx_open_terminal_master(void)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0)
        return -errno;
    int unlocked = 0;
    if (ioctl(master, TIOCSPTLCK, &unlocked) != 0) {
        int error = errno;
        close(master);
        return -error;
    }
    return master;
}

int gbx_open_terminal_slave(int master)
{
    return (int)gbx_result(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
}

int gbx_terminal_window(int fd, struct gbx_window *out)
{
    struct winsize size;
    memset(out, 0, sizeof *out);
    if (ioctl(fd, TIOCGWINSZ, &size) != 0)
        return -errno;
    out->rows = size.ws_row;
    out->columns = size.ws_col;
    out->width_pixels = size.ws_xpixel;
    out->height_pixels = size.ws_ypixel;
    return 0;
}

int gbx_set_terminal_window(int fd, const struct gbx_window *window)
{
    struct winsize size = {
        .ws_row = window->rows, .ws_col = window->columns, .ws_xpixel = window->width_pixels, .ws_ypixel = window->height_pixels};
    return (int)gbx_result(ioctl(fd, TIOCSWINSZ, &size));
}

int gbx_terminal_make_raw(int fd, struct gbx_terminal_state *previous)
{
    struct termios state;
    memset(previous, 0, sizeof *previous);
    if (tcgetattr(fd, &state) != 0)
        return -errno;
    memcpy(previous->bytes, &state, sizeof state);
    cfmakeraw(&state);
    return (int)gbx_result(tcsetattr(fd, TCSANOW, &state));
}

int gbx_terminal_restore(int fd, const struct gbx_terminal_state *state)
{
    struct termios copy;
    memcpy(&copy, state->bytes, sizeof copy);
    return (int)gbx_result(tcsetattr(fd, TCSANOW, &copy));
}

int gbx_is_terminal(int fd)
{
    return isatty(fd) == 1;
}
