/*
 * What the two files of the line editor share.
 */
#ifndef SOCKQ_LUA_EDITOR_H
#define SOCKQ_LUA_EDITOR_H
#include <histedit.h>
#include <signal.h>
#include <stdbool.h>
#include <wchar.h>

#include "history.h"
#include "lua.h"

enum { SOCKQ_EDITOR_SIGNALS = 4 };

/** Userdata "sockq.editor". */
struct sockq_editor {
    EditLine *el; /* NULL once it is closed */
    History *history;
    struct sockq_history_file file;
    lua_State *L;       /* while it reads a line */
    const char *prompt; /* likewise, else empty; ASCII */
    bool interrupted;   /* Ctrl-C gave the line up */
    mbstate_t decoding; /* of a character whose first bytes were read */
    struct sigaction before[SOCKQ_EDITOR_SIGNALS];
    sigset_t mask_before;
    sigset_t mask_waiting; /* while it waits for a key */
};

/**
 * Take over SIGINT, SIGCONT and SIGWINCH: from here on they only set a mark, which
 * sockq_editor_read_key answers; and ignore SIGTSTP, which the collector acts on.
 */
void sockq_editor_take_signals(struct sockq_editor *e);

/** Give them back; what came meanwhile and was not answered takes effect now. */
void sockq_editor_give_signals_back(struct sockq_editor *e);

/**
 * For libedit: read a key, and answer signals while waiting for it.
 *
 * @return  1: *key is set; 0: the terminal is gone; -1: the line is given up
 */
int sockq_editor_read_key(EditLine *el, wchar_t *key);

/**
 * Put the terminal's cursor below the line, however many rows it takes.
 *
 * @mark    printed at the end of the line
 * @return  how many characters of the line stood behind the cursor
 */
int sockq_editor_leave_line(struct sockq_editor *e, const char *mark);

#endif
