/*
 * The collector as the parent of the interpreter: signals that are meant for both, the terminal
 * that is given back at every end and stop, and an end that looks like the interpreter's.
 */
#ifndef SOCKQ_SUPERVISE_H
#define SOCKQ_SUPERVISE_H
#include <stdbool.h>
#include <sys/types.h>

#include "terminal.h"

/** What is watched over; borrowed until the end of the program. */
struct sockq_supervised {
    pid_t child;
    pid_t names; /* another one, which looks names up; it ends with the child; 0: none */
    struct sockq_terminal terminal;
    bool has_screen;  /* the child may be on the alternate screen */
    double timeout;   /* seconds after which the child stops by itself, 0: never */
    const char *what; /* what runs, for messages; NULL for the command line */
};

/**
 * From here on a fault of this process is told, ends the child and gives the terminal back (status
 * 3), Ctrl-C is left to the child, Ctrl-Z stops the child first, and SIGTERM and SIGHUP end it;
 * signals that are ignored already stay so. A second behind its timeout the child is killed.
 */
void sockq_supervise(struct sockq_supervised *supervised);

/**
 * Wait for the child's end, and end as it did if a signal ended it.
 *
 * @return  its exit status, -1 with errno if there is no child; of one that was killed for its
 *          timeout, or after SIGSYS by the sandbox, that of a script's error, and a message; after
 *          another signal that is no usual end the
 *          status for data that could not be read, and a message
 */
int sockq_supervise_end(void);

/** Kill the child, for an end that is not its own. */
void sockq_supervise_kill(void);

#endif
