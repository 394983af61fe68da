/*
 * The locks below Lua: no files (Landlock), little of everything else (limits), and few system
 * calls (seccomp). Each lasts until the end of the process.
 */
#ifndef SOCKQ_SANDBOX_SANDBOX_H
#define SOCKQ_SANDBOX_SANDBOX_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/** Memory of Lua in the sandbox where --max-memory says nothing: bytes. */
#define SOCKQ_SANDBOX_MEMORY ((uint64_t)1 << 30)

/** The newest Landlock ABI whose rights are known here. */
enum { SOCKQ_LANDLOCK_NEWEST = 6 };

/** Which system calls the interpreter needs beyond those of every run. */
struct sockq_calls {
    bool terminal;   /* set its modes: line editing, the live view */
    bool recordings; /* read at an offset */
    bool appends;    /* cut off half a snapshot */
    bool reports;    /* read back what is in force */
};

/** What was found while the locks were set. */
struct sockq_locks {
    bool wanted;          /* the sandbox was asked for, or is the default here */
    int landlock_abi;     /* 0: the kernel has none; landlock_error says why */
    int landlock_error;   /* errno, 0 if it is in force */
    bool landlock_proved; /* opening the root folder was refused thereafter */
    int seccomp_error;    /* errno, 0 if it is in force */
    uint64_t memory;      /* bytes; 0: no limit */
};

/**
 * Overwrite the environment but for what the terminal can show and the time zone, whose file is
 * read now.
 */
void sockq_environment_blank(void);

/** Ask which ABI this kernel has. */
void sockq_landlock_look(struct sockq_locks *locks);

/**
 * Landlock without a rule: every right that this kernel's ABI and this program know is handled, so
 * that no file, no TCP port, and from ABI 6 on no signal or abstract socket of others is reached.
 * Needs no_new_privs. Fills landlock_* of `locks`; a kernel without it is no failure.
 */
void sockq_landlock_lock(struct sockq_locks *locks);

/**
 * Resource limits: no core file, process, locked memory or message queue; eight descriptors;
 * private memory.
 *
 * @memory  bytes of private writable memory, 0: no limit
 * @return  0, or -1 with errno
 */
int sockq_limits_lock(uint64_t memory);

/**
 * A limit of the address space: RLIMIT_DATA counts neither memory that is only read nor the page
 * tables of it, a 512th. Before Landlock, which forbids to read what is mapped now.
 *
 * @memory    bytes on top of what is mapped now; 0: no limit
 * @reserved  bytes of addresses that are needed besides and hold less memory
 * @guess     bytes that are mapped at most, where there is no /proc to tell
 * @return    0, or -1 with errno
 */
int sockq_limits_space(uint64_t memory, uint64_t reserved, uint64_t guess);

/** Of private writable memory alone. @return 0, or -1 with errno */
int sockq_limits_memory(uint64_t memory);

/**
 * The interpreter's filter: a few system calls, some with checked arguments; what would open,
 * connect, start or signal something ends the process by SIGSYS, the rest is refused. Needs
 * no_new_privs.
 *
 * @return 0, or -1 with errno: the kernel has no seccomp filters, or forbids them
 */
int sockq_seccomp_lock(const struct sockq_calls *calls);

/**
 * With --trust where sockq has privileges: all calls but those that type into the terminal, at
 * which somebody with these privileges may sit. Holds for programs that a script starts, too.
 *
 * @return 0, or -1 with errno likewise
 */
int sockq_seccomp_no_typing(void);

/**
 * Files of /proc that are opened before the locks and say, when they are read behind them, what
 * the kernel then holds of this process and of the collector. -1: cannot be opened
 */
struct sockq_proofs {
    int status;
    int limits;
    int collector; /* its status */
};

/** Open them. @parent the collector's pid */
void sockq_proofs_open(struct sockq_proofs *proofs, int parent);

/** Read one from its begin. @return bytes, fewer than size; -1 with errno */
ssize_t sockq_proof_read(int fd, char *text, size_t size);

/** What PR_GET_DUMPABLE says now; allowed by sockq_calls.reports. */
int sockq_proof_dumpable(void);

#endif
