/*
 * The terminal while a live view has it: keys come at once and are not echoed, the picture is on
 * the alternate screen. The interpreter takes it; the collector, which outlives the interpreter
 * however that ends, sees to it that it is given back. All functions are safe in a signal handler.
 */
#ifndef SOCKQ_TERMINAL_H
#define SOCKQ_TERMINAL_H
#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

/** A terminal as the program found it. */
struct sockq_terminal {
    int fd;                /* standard input, else standard output; -1 if neither is one */
    struct termios before; /* its modes */
};

/** Find the terminal and note its modes. */
void sockq_terminal_find(struct sockq_terminal *terminal);

/**
 * Where keys come from: standard input, or where that is no terminal the one that is painted.
 *
 * @return  a descriptor, opened if it is above 2; -1 with errno
 */
int sockq_terminal_keys(void);

/** True if it has other modes than it was found in: it is taken, or left so by something else. */
bool sockq_terminal_is_changed(const struct sockq_terminal *terminal);

/**
 * Take it: no echo, no line editing, but the keys that send signals; the alternate screen.
 *
 * @return  0, or -1 with errno (ENOTTY: there is none)
 */
int sockq_terminal_take(const struct sockq_terminal *terminal);

/**
 * Give it back, if this process may change it: a job in the background may not.
 *
 * @screen  leave the alternate screen as well
 */
void sockq_terminal_give_back(const struct sockq_terminal *terminal, bool screen);

/** Write all of a text to standard output, -1 with errno if it cannot be (EINTR is no reason). */
int sockq_terminal_write(const char *text, size_t length);

#endif
