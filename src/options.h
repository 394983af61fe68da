/*
 * The command line: which words are options of sockq, and what the first other word is. Help,
 * the manual's list and the parser come from the one table in options.c.
 */
#ifndef SOCKQ_OPTIONS_H
#define SOCKQ_OPTIONS_H
#include <stdbool.h>
#include <stddef.h>

/** One option. */
struct sockq_option {
    int letter;       /* 0: no short form */
    const char *name; /* the long form, without the dashes */
    const char
        *argument; /* what to call its argument, NULL if it takes none, "[X]": may be left out */
    const char *group; /* heading in the help */
    const char *help;  /* one line */
};

/** All options, ended by an entry without a name. */
extern const struct sockq_option sockq_option_table[];

enum sockq_mode {
    SOCKQ_MODE_QUERY,  /* words are expressions */
    SOCKQ_MODE_NAME,   /* words[0] is a view, report or command, the rest its arguments */
    SOCKQ_MODE_SCRIPT, /* words[0] is a file, the rest are its arguments */
    SOCKQ_MODE_STDIN,  /* words[0] is "-", the rest are the script's arguments */
    SOCKQ_MODE_CHUNK   /* -e: words are the chunk's arguments */
};

/** One option as it was given. */
struct sockq_given {
    const struct sockq_option *option;
    const char *argument; /* NULL if it takes none, or was given none */
};

struct sockq_options {
    enum sockq_mode mode;
    struct sockq_given *given; /* in the order of the command line; owned */
    int given_count;
    const char **words; /* owned array of borrowed strings */
    int word_count;
    const char *bad;      /* the word that is no option, NULL if all is well */
    const char *bad_what; /* what is wrong with it */
    char bad_letter[3];
};

/** What a first word can name. */
enum sockq_name {
    SOCKQ_NAME_NONE,
    SOCKQ_NAME_VIEW, /* its options are another program's: what follows is not parsed */
    SOCKQ_NAME_OTHER /* a report or a command: sockq's options are still known behind it */
};

typedef enum sockq_name (*sockq_name_kind)(const char *word, const struct sockq_options *options,
                                           void *context);

/**
 * Parse a command line.
 *
 * @kind_of  tells what a word names
 * @return   0, or -1 with errno ENOMEM; a wrong option is told in `bad`
 */
int sockq_options_parse(struct sockq_options *options, int argc, char **argv,
                        sockq_name_kind kind_of, void *context);

/** The argument of an option's last occurrence, NULL if it was not given. */
const char *sockq_options_argument(const struct sockq_options *options, const char *name);

/** True if an option was given, with an argument or without. */
bool sockq_options_has(const struct sockq_options *options, const char *name);

/** What messages call that which runs: a script's name, "stdin", "-e"; NULL of a command line. */
const char *sockq_options_what(const struct sockq_options *options);

/**
 * True if what follows the name of a view that stands in for netstat surely has its -n: bundles of
 * letters before any other word. Where it is false there may be one all the same.
 */
bool sockq_options_numeric(const struct sockq_options *options);

/** Free what a parse made. */
void sockq_options_free(struct sockq_options *options);

#endif
