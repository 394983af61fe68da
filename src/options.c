#define _GNU_SOURCE
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define WHICH "which sockets"
#define FROM "from where"
#define QUERY "query"
#define OUTPUT "output"
#define LIVE "live"
#define OTHER "other"

const struct sockq_option sockq_option_table[] = {
    {'t', "tcp", NULL, WHICH, "TCP"},
    {'u', "udp", NULL, WHICH, "UDP and UDP-Lite"},
    {'w', "raw", NULL, WHICH, "raw and ping (ICMP)"},
    {'x', "unix", NULL, WHICH, "unix"},
    {'4', "ipv4", NULL, WHICH, "only IPv4"},
    {'6', "ipv6", NULL, WHICH, "only IPv6"},
    {'l', "listening", NULL, WHICH,
     "only sockets that listen (TCP) or are not connected (UDP, raw)"},
    {0, "from", "TABLE,...", WHICH, "tables by name: tcp, tcp6, unix, netlink, packet, ..."},
    {'a', "all", NULL, WHICH, "every state: the default, accepted for the hand's sake"},
    {'n', "numeric", NULL, OUTPUT, "numbers for addresses, ports and users: the default"},
    {'p', "programs", NULL, OUTPUT, "pid and program: the default"},
    {'o', "timers", NULL, OUTPUT, "timers: the default"},
    {'f', "format", "NAME", OUTPUT, "table, json, ndjson, csv, tsv, ... (sockq list formats)"},
    {0, "json", NULL, OUTPUT, "-f json; likewise --ndjson, --csv, --tsv"},
    {0, "ndjson", NULL, OUTPUT, "a JSON object a line"},
    {0, "csv", NULL, OUTPUT, "comma-separated, RFC 4180"},
    {0, "tsv", NULL, OUTPUT, "tab-separated"},
    {0, "timer", "NAME", OUTPUT, "format of timers: netstat, ss, human, explain, or your own"},
    {0, "no-header", NULL, OUTPUT, "rows only"},
    {0, "color", "WHEN", OUTPUT, "colour by state: auto, always or never"},
    {0, "join", "TABLE:KEY,...", QUERY,
     "with the sockets of TABLE that have equal keys; a KEY is a field or ITS_FIELD=EXPR"},
    {0, "distinct", "KEY,...", QUERY, "the first row of each combination of keys"},
    {'g', "group", "KEY,...", QUERY, "a row for each group; a KEY is a field or NAME=EXPR"},
    {'A', "agg", "AGG,...", QUERY, "of each group, or of all: 'count, max(expires), p99(recv_q)'"},
    {'s', "sort", "KEY,...", QUERY, "order by these; -KEY descends, unknown comes last"},
    {'L', "limit", "N", QUERY, "at most N rows"},
    {'c', "columns", "COL,...", QUERY, "these columns, * for all; a COL is a field or NAME=EXPR"},
    {0, "proc", "DIR", FROM, "a captured /proc tree instead of this machine"},
    {0, "source", "NAME", FROM, "proc (text of /proc), diag (sock_diag), or auto: what knows more"},
    {0, "netns", "NAME,...", FROM, "network namespaces: all, or by PID, name or path"},
    {0, "read", "FILE", FROM, "a recording (sockq record FILE)"},
    {0, "data", "NAME=FILE", FROM, "a file for scripts and --join: sockq.data.NAME"},
    {0, "at", "TIME", FROM, "which snapshot of it: a number, a time or an age; default: the last"},
    {0, "watch", "[S]", LIVE, "look again every S seconds (default 2), until q or Ctrl-C"},
    {0, "wait", "[S]", LIVE, "look every S seconds (default 1) until a row is found"},
    {0, "follow", NULL, LIVE, "sockets as they are closed (tcp, udp), until Ctrl-C"},
    {0, "times", "N", LIVE, "end after N looks, or N sockets of --follow"},
    {0, "every", "S", LIVE, "seconds between the snapshots of sockq record"},
    {'q', "quiet", NULL, LIVE, "print nothing: the exit status is the answer"},
    {'i', "interactive", NULL, OTHER, "ask for expressions and Lua, with completion"},
    {0, "path", "DIR:...", OTHER, "look for plug-ins in these folders first"},
    {0, "sandbox", NULL, OTHER, "no files, sockets or processes for Lua: the default for root"},
    {0, "trust", NULL, OTHER, "lift the sandbox; privileges are dropped all the same"},
    {0, "timeout", "S", OTHER, "stop after S seconds"},
    {0, "max-memory", "N", OTHER, "memory that Lua may have: 512M, 2G; 1G in the sandbox"},
    {'e', "execute", "CHUNK", OTHER, "run Lua from the command line"},
    {'h', "help", NULL, OTHER, "a page that answers most questions"},
    {'V', "version", NULL, OTHER, "the version"},
    {'v', "verbose", NULL, OTHER,
     "say which tables are not from where expected; with --version: what confines sockq"},
    {0, "self", NULL, OTHER, "with doctor: the same, judged"},
    {0, NULL, NULL, NULL, NULL},
};

enum { OPTIONS = sizeof(sockq_option_table) / sizeof(sockq_option_table[0]) - 1, LONG_ONLY = 256 };

/* "NAME.lua", or a path with a slash: a script, if such a file exists. */
static bool is_script(const char *word)
{
    size_t length = strlen(word);
    struct stat st;

    if (length > 4 && strcmp(word + length - 4, ".lua") == 0)
        return true;
    return strchr(word, '/') && stat(word, &st) == 0 && !S_ISDIR(st.st_mode);
}

static void take_rest(struct sockq_options *options, int argc, char **argv, int from)
{
    for (int i = from; i < argc; i++)
        options->words[options->word_count++] = argv[i];
}

static void give(struct sockq_options *options, const struct sockq_option *option,
                 const char *argument)
{
    options->given[options->given_count++] =
        (struct sockq_given){.option = option, .argument = argument};
}

/* @return true if the first word that is no option makes all that follows its own */
static bool take_word(struct sockq_options *options, const char *word, sockq_name_kind kind_of,
                      void *context)
{
    enum sockq_name kind;

    options->words[options->word_count++] = word;
    if (options->word_count > 1)
        return false;
    if (options->mode == SOCKQ_MODE_CHUNK)
        return true;
    if (strcmp(word, "-") == 0)
        options->mode = SOCKQ_MODE_STDIN;
    else if ((kind = kind_of(word, options, context)) != SOCKQ_NAME_NONE) {
        options->mode = SOCKQ_MODE_NAME;
        return kind == SOCKQ_NAME_VIEW;
    } else if (is_script(word))
        options->mode = SOCKQ_MODE_SCRIPT;
    return options->mode != SOCKQ_MODE_QUERY;
}

int sockq_options_parse(struct sockq_options *options, int argc, char **argv,
                        sockq_name_kind kind_of, void *context)
{
    struct option longs[OPTIONS + 1] = {0};
    char shorts[2 * OPTIONS + 3] = "-:", *s = shorts + 2;
    int letter, index;

    *options = (struct sockq_options){.mode = SOCKQ_MODE_QUERY};
    /* A bundle such as -antpo holds at most one option a letter. */
    size_t most = 1;
    for (int i = 1; i < argc; i++)
        most += strlen(argv[i]) + 1;
    options->given = calloc(most, sizeof(*options->given));
    options->words = calloc((size_t)argc + 1, sizeof(*options->words));
    if (!options->given || !options->words) {
        sockq_options_free(options);
        errno = ENOMEM;
        return -1;
    }
    for (int i = 0; i < OPTIONS; i++) {
        const struct sockq_option *option = &sockq_option_table[i];
        int takes = !option->argument            ? no_argument
                    : option->argument[0] == '[' ? optional_argument
                                                 : required_argument;
        longs[i] = (struct option){option->name, takes, NULL, LONG_ONLY + i};
        if (option->letter) {
            *s++ = (char)option->letter;
            if (option->argument)
                *s++ = ':';
        }
    }
    opterr = 0;
    optind = 0; /* glibc: start afresh */
    while ((letter = getopt_long(argc, argv, shorts, longs, &index)) != -1) {
        if (letter == 1) {
            if (take_word(options, optarg, kind_of, context))
                break;
            continue;
        }
        if (letter == '?' || letter == ':') {
            bool is_letter = optopt > 0 && optopt < LONG_ONLY;
            options->bad_letter[0] = '-';
            options->bad_letter[1] = (char)optopt;
            options->bad = is_letter ? options->bad_letter : argv[optind - 1];
            options->bad_what = letter == ':'         ? "this option needs an argument"
                                : optopt >= LONG_ONLY ? "this option takes no argument"
                                : optopt == 0         ? "no such option, or short for several"
                                                      : "no such option";
            return 0;
        }
        for (int i = 0; i < OPTIONS; i++) {
            if (letter != LONG_ONLY + i && letter != sockq_option_table[i].letter)
                continue;
            give(options, &sockq_option_table[i], optarg);
            if (sockq_option_table[i].letter == 'e')
                options->mode = SOCKQ_MODE_CHUNK;
            break;
        }
    }
    take_rest(options, argc, argv, optind);
    return 0;
}

static const struct sockq_given *last_given(const struct sockq_options *options, const char *name)
{
    for (int i = options->given_count - 1; i >= 0; i--)
        if (strcmp(options->given[i].option->name, name) == 0)
            return &options->given[i];
    return NULL;
}

const char *sockq_options_argument(const struct sockq_options *options, const char *name)
{
    const struct sockq_given *given = last_given(options, name);

    return given ? given->argument : NULL;
}

bool sockq_options_has(const struct sockq_options *options, const char *name)
{
    return last_given(options, name) != NULL;
}

const char *sockq_options_what(const struct sockq_options *options)
{
    switch (options->mode) {
    case SOCKQ_MODE_SCRIPT:
        return options->words[0];
    case SOCKQ_MODE_STDIN:
        return "stdin";
    case SOCKQ_MODE_CHUNK:
        return "-e";
    default:
        return NULL;
    }
}

bool sockq_options_numeric(const struct sockq_options *options)
{
    for (int i = 1; i < options->word_count; i++) {
        const char *word = options->words[i];
        if (strcmp(word, "--numeric") == 0)
            return true;
        /* What follows -A is no option. */
        if (word[0] != '-' || word[1] == '-' || strchr(word, 'A'))
            return false;
        if (strchr(word, 'n'))
            return true;
    }
    return false;
}

void sockq_options_free(struct sockq_options *options)
{
    free(options->given);
    free(options->words);
    options->given = NULL;
    options->words = NULL;
}
