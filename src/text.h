/*
 * Files that the interpreter will run: the script and the plug-ins, read as text before or after
 * privileges are dropped and handed to Lua by name, so that it need not open them.
 *
 * Plug-ins lie in KIND folders ("timers", "views", …) of, in this order: --path, $SOCKQ_PATH,
 * $XDG_CONFIG_HOME/sockq (default ~/.config/sockq), /etc/sockq. With privileges the environment's
 * relative folders are passed over.
 */
#ifndef SOCKQ_TEXT_H
#define SOCKQ_TEXT_H
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define SOCKQ_TEXT_MOST ((size_t)1 << 20)
#define SOCKQ_TEXTS_MOST 512
#define SOCKQ_TEXTS_BYTES ((size_t)16 << 20)
/** Of a folder with more files than are read the rest is named in messages, up to this number. */
#define SOCKQ_TEXTS_LISTED 4096

/** One file. All strings are owned. */
struct sockq_text {
    char *kind;  /* "timers", …; "script" for the script */
    char *name;  /* of a plug-in: the file's name without ".lua" */
    char *path;  /* as it is named in messages */
    char *bytes; /* NULL if the file is refused */
    size_t size;
    char *error; /* why it is refused, NULL if it is not */
};

struct sockq_texts {
    struct sockq_text *list;
    size_t count;
    size_t room;
    size_t bytes;     /* read so far */
    const char *path; /* --path, borrowed, or NULL */
    bool secure;      /* do not look at the environment */
    bool privileged;  /* refuse files and folders that strangers can write or own */
    uid_t uid;        /* with privileges: who is no stranger, besides root */
    gid_t gid;
};

/** Read every plug-in of every kind. @return 0, or -1 with errno ENOMEM. */
int sockq_texts_read_plugins(struct sockq_texts *texts);

/** Read one script; a failure is noted in its error. @return 0, or -1 with errno ENOMEM. */
int sockq_texts_read_script(struct sockq_texts *texts, const char *path);

/** True if a folder of the plug-in path holds KIND/NAME.lua. */
bool sockq_texts_has_plugin(const struct sockq_texts *texts, const char *kind, const char *name);

/** True if a folder of the plug-in path holds any plug-in, or cannot be looked into. */
bool sockq_texts_has_any(const struct sockq_texts *texts);

/** Free all of it. */
void sockq_texts_free(struct sockq_texts *texts);

/** The plug-in kinds, ended by NULL. */
extern const char *const sockq_plugin_kinds[];

#endif
