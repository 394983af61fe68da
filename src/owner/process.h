/*
 * What is read of a process that holds sockets, private to src/owner.
 */
#ifndef SOCKQ_OWNER_PROCESS_H
#define SOCKQ_OWNER_PROCESS_H
#include "owner.h"
#include "pile.h"

/** A process as it was read, before it goes to the arena: offsets in the record are into text. */
struct owner_process {
    struct sockq_process record;
    bool odd;       /* where a file of it belongs is something else */
    bool nameless;  /* neither cmdline nor comm could be read: a live process has ended */
    bool no_cgroup; /* its file cgroup has a line of another form */
    bool refused;   /* a file of it may not be read, or it ended meanwhile */
    int error;      /* errno of a file that could not be read (sockq_proc_is_failure), or 0 */
    size_t length;  /* of text, at least 1 */
    char text[];
};

/**
 * Read what the request flags ask of a process; what cannot be read is left unknown.
 *
 * @folder  of its descriptors in a live tree, which leads to no other process that gets its pid;
 *          -1: there is none
 * @flags   SOCKQ_WITH_CGROUPS, _COMM, _STAT_NAMES, _EXE, _STARTED: what besides its name and
 * command line
 * @return  in the pile, or NULL with errno (ENOMEM)
 */
struct owner_process *owner_process_read(const struct sockq_proc *proc, uint32_t pid, int folder,
                                         uint32_t flags, struct pile *pile);

/**
 * When the machine started: btime of /proc/stat.
 *
 * @pile    for the file's text
 * @return  seconds after the epoch, 0 if not known
 */
uint64_t owner_boot_time(const struct sockq_proc *proc, struct pile *pile);

/** Bit of odd in struct sockq_owner_info. */
enum { OWNER_FAILED = 16 };

/** Note that a process could not be read; the first errno is kept. */
void owner_note_failure(struct sockq_owner_info *info, int error);

/** Write its record and text to the arena. @return the record's offset, 0 with w->error */
uint64_t owner_process_write(const struct owner_process *process, struct sockq_writer *w);

#endif
