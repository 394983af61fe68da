/*
 * A hostile interpreter, for the tests: behind the locks it makes one system call, which
 * $SOCKQ_INJECT names, tells what came of it, and ends. Linked into an executable of the tests
 * alone.
 */
#ifndef SOCKQ_TESTS_WALL_INJECT_H
#define SOCKQ_TESTS_WALL_INJECT_H
#include <stdbool.h>
#include <sys/types.h>

/** What the attempts reach for. */
struct inject_world {
    char *wanted; /* the attempt; "list": print the names of all, with what is to come of them */
    char
        *folder; /* that everybody may write, with a file "victim" that is standard input as well */
    char victim[256], fresh[256]; /* the file, and the path of one that is not there */
    pid_t foreign;                /* a process of the same user */
    void *rows;                   /* the memory that the collector writes */
    int socket;                   /* to the collector */
};

extern struct inject_world inject_world;

/** True if the attempt is to be made now. @want "killed", or an errno's number */
bool inject_wanted(const char *name, const char *want);

/** Tell what a call returned, and end. */
void inject_tell(long result);

/** The attempts. */
void inject_files(void);
void inject_names(void);
void inject_memory(void);
void inject_processes(void);
void inject_rights(void);
void inject_machine(void);

#define KILLED "killed"
#define ABSENT "38"  /* ENOSYS */
#define REFUSED "13" /* EACCES */
#define SHORT "12"   /* ENOMEM */

/** Make a call if it is the wanted one. */
#define TRY(name, want, ...)                                                                       \
    do {                                                                                           \
        if (inject_wanted(name, want))                                                             \
            inject_tell(syscall(__VA_ARGS__));                                                     \
    } while (0)

#endif
