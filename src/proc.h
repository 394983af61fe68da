/*
 * The /proc that is read: the live one, or a captured tree in which no path may lead outside.
 */
#ifndef SOCKQ_PROC_H
#define SOCKQ_PROC_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct netns_choice;

struct sockq_proc {
    int fd;     /* the folder, O_PATH; owned */
    bool live;  /* the kernel's own /proc */
    bool alone; /* of processes alone: it was mounted with subset=pid and has no net */
    /* What sockq itself made and must not list: its socket pairs, and its interpreter and the
     * process that looks names up; 0: none. */
    uint64_t own_inodes[4];
    pid_t own_children[2];
    /* What --netns asks for; borrowed, NULL: only the namespace of the reader. */
    const struct netns_choice *netns;
};

/**
 * Open /proc (path NULL) or a captured tree.
 *
 * @return 0, or -1 with errno; ENODEV where /proc is not the kernel's
 */
int sockq_proc_open(struct sockq_proc *proc, const char *path);

/** True for the inode of a socket that sockq made itself. */
static inline bool sockq_proc_is_own_inode(const struct sockq_proc *proc, uint64_t inode)
{
    return proc->live && inode != 0 &&
           (inode == proc->own_inodes[0] || inode == proc->own_inodes[1] ||
            inode == proc->own_inodes[2] || inode == proc->own_inodes[3]);
}

/** True for a process that sockq started. */
static inline bool sockq_proc_is_own_child(const struct sockq_proc *proc, uint32_t pid)
{
    return proc->live && pid != 0 &&
           ((pid_t)pid == proc->own_children[0] || (pid_t)pid == proc->own_children[1]);
}

/** Close it. Safe on a struct whose fd is -1. */
void sockq_proc_close(struct sockq_proc *proc);

/**
 * Open a file or folder for reading, without blocking on a FIFO. In a captured tree a link that
 * leads out of it is refused.
 *
 * @path   relative to the tree, such as "net/tcp"
 * @flags  more flags of open(2), such as O_DIRECTORY
 * @return a descriptor of the caller's, or -1 with errno (EXDEV, ELOOP: a link was refused)
 */
int sockq_proc_openat(const struct sockq_proc *proc, const char *path, int flags);

/**
 * Open a regular file; anything else is refused.
 *
 * @return a descriptor of the caller's, or -1 with errno (EINVAL: no regular file)
 */
int sockq_proc_open_file(const struct sockq_proc *proc, const char *path);

/**
 * Whether an errno means that the machine could not, for want of memory or descriptors or because
 * of a broken disk: neither that a process has ended, nor that it may not be looked at, nor what a
 * captured tree may hold.
 */
bool sockq_proc_is_failure(int error);

/**
 * The first bytes of a small file.
 *
 * @return how many bytes, at most size; -1 with errno, also where only its beginning could be read
 */
ssize_t sockq_proc_read(const struct sockq_proc *proc, const char *path, char *buffer, size_t size);

#endif
