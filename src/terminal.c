#define _GNU_SOURCE
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

/* The modes by which a taken terminal is known. */
enum { TAKEN_MODES = ICANON | ECHO };

/* The alternate screen, no cursor, long lines are cut; and the end of that and of a picture that
 * is half painted (mode 2026). */
static const char ENTER[] = "\033[?1049h\033[?25l\033[?7l\033[2J";
static const char LEAVE[] = "\033[?2026l\033[0m\033[?7h\033[?25h\033[?1049l";

int sockq_terminal_write(const char *text, size_t length)
{
    while (length > 0) {
        ssize_t n = write(STDOUT_FILENO, text, length);
        if (n >= 0) {
            text += n;
            length -= (size_t)n;
        } else if (errno == EAGAIN) {
            struct pollfd room = {.fd = STDOUT_FILENO, .events = POLLOUT};
            (void)poll(&room, 1, -1);
        } else if (errno != EINTR)
            return -1;
    }
    return 0;
}

void sockq_terminal_find(struct sockq_terminal *terminal)
{
    for (int fd = STDIN_FILENO; fd <= STDOUT_FILENO; fd++)
        if (tcgetattr(fd, &terminal->before) == 0) {
            terminal->fd = fd;
            return;
        }
    terminal->fd = -1;
}

int sockq_terminal_keys(void)
{
    if (isatty(STDIN_FILENO))
        return STDIN_FILENO;
    int flags = fcntl(STDOUT_FILENO, F_GETFL);
    if (isatty(STDOUT_FILENO) && flags >= 0 && (flags & O_ACCMODE) == O_RDWR)
        return STDOUT_FILENO;
    return open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY);
}

bool sockq_terminal_is_changed(const struct sockq_terminal *terminal)
{
    struct termios now;

    return terminal->fd >= 0 && tcgetattr(terminal->fd, &now) == 0 &&
           ((now.c_lflag ^ terminal->before.c_lflag) & TAKEN_MODES);
}

int sockq_terminal_take(const struct sockq_terminal *terminal)
{
    struct termios raw = terminal->before;

    if (terminal->fd < 0) {
        errno = ENOTTY;
        return -1;
    }
    raw.c_lflag &= ~(tcflag_t)TAKEN_MODES;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    if (tcsetattr(terminal->fd, TCSANOW, &raw) < 0)
        return -1;
    return sockq_terminal_write(ENTER, sizeof(ENTER) - 1);
}

void sockq_terminal_give_back(const struct sockq_terminal *terminal, bool screen)
{
    if (terminal->fd < 0)
        return;
    pid_t foreground = tcgetpgrp(terminal->fd);
    if (foreground >= 0 && foreground != getpgrp())
        return;
    tcsetattr(terminal->fd, TCSANOW, &terminal->before);
    if (screen) {
        /* Output that Ctrl-S holds would hold the end as well. */
        tcflow(terminal->fd, TCOON);
        (void)sockq_terminal_write(LEAVE, sizeof(LEAVE) - 1);
    }
}
