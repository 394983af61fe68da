/*
 * The file of what was typed: a line an entry, oldest first. Several sessions may append to it.
 */
#ifndef SOCKQ_LUA_HISTORY_H
#define SOCKQ_LUA_HISTORY_H
#include <stdbool.h>
#include <stddef.h>

/** Lines that are kept; the file is cut to them when it has twice as many. */
#define SOCKQ_HISTORY_LINES 2000

/** An open history file. */
struct sockq_history_file {
    int fd; /* -1: none; nothing is then written */
};

/**
 * Where it lies: below $XDG_STATE_HOME, else below ~/.local/state.
 *
 * @return false without a home
 */
bool sockq_history_path(char *path, size_t size);

/**
 * Open or make the file with the rights of this process. Folders that are missing are made with
 * mode 0700; the file gets mode 0600.
 *
 * @path        absolute
 * @privileged  whether sockq was started with more rights: symbolic links are then not followed
 * @return      0, or -1 with errno: EPERM: folder or file is somebody else's or no plain file
 */
int sockq_history_open(struct sockq_history_file *file, const char *path, bool privileged);

/**
 * Read the last SOCKQ_HISTORY_LINES lines, oldest first.
 *
 * @use     called for each, without its line feed
 * @return  0, or -1 with errno
 */
int sockq_history_load(struct sockq_history_file *file,
                       void (*use)(const char *line, void *context), void *context);

/**
 * Append one line; one that holds a line feed or is longer than 64 KiB is left out.
 *
 * @return  0, or -1 with errno, after which the file is closed
 */
int sockq_history_append(struct sockq_history_file *file, const char *line, size_t length);

/** Close it; one that is not open may be closed. */
void sockq_history_close(struct sockq_history_file *file);

#endif
