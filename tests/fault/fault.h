/*
 * What a test wants of the interposed library, and what the library saw: memory that the test and
 * every process of the program under test share. The tests read this file as well, for LuaJIT, so
 * that below the includes nothing stands but declarations.
 */
#ifndef SOCKQ_TEST_FAULT_H
#define SOCKQ_TEST_FAULT_H

#include <stdint.h>

/* Calls that fail alike. */
enum fault_kind {
    FAULT_MALLOC,
    FAULT_MMAP,
    FAULT_MADVISE,
    FAULT_OPEN,
    FAULT_READ,
    FAULT_GETDENTS,
    FAULT_READLINK,
    FAULT_STAT,
    FAULT_FORK,
    FAULT_MEMFD,
    FAULT_WRITE,
    FAULT_FCNTL,
    FAULT_SOCKET,
    FAULT_SEND,
    FAULT_RECV,
    FAULT_POLL,
    FAULT_THREAD,
    FAULT_SETNS,
    FAULT_PRIVILEGE, /* ids, capabilities, prctl */
    FAULT_LIMIT,     /* of processes, and what kernel this is */
    FAULT_SIGNAL,    /* sigaction */
    FAULT_CLOSE,     /* close_range */
    FAULT_WAIT,
    FAULT_SLEEP,
    FAULT_OTHER, /* other calls through syscall() */
    FAULT_KINDS
};

enum fault_action {
    FAULT_COUNT, /* nothing else */
    FAULT_FAIL,  /* the call number `nth` */
    FAULT_LAST,  /* that one, and all behind it */
    FAULT_MEET   /* it waits in front of that call, whatever its kind, until the test lets it go */
};

/* A role is a process: 0 the one that was started, 1 the first that was forked, and so on. */
enum { FAULT_ROLES = 4 };

struct fault_plan {
    int32_t action; /* enum fault_action */
    int32_t role;
    int32_t kind; /* enum fault_kind */
    int32_t nth;  /* of the calls of this kind (FAULT_MEET: of all), from 1 */
    int32_t error;
    int32_t read_most;  /* bytes that a read gives, 0: as many as asked for */
    int32_t write_most; /* bytes that a write takes */
    int32_t fired;      /* calls that failed */
    int32_t waiting;    /* FAULT_MEET: 1 while it waits, the test sets it to 2 */
    int32_t roles;
    int32_t pids[FAULT_ROLES];
    int32_t calls[FAULT_ROLES]; /* of all kinds */
    int32_t counts[FAULT_ROLES][FAULT_KINDS];
    char what[128]; /* the call that failed */
};

#endif
