#define _GNU_SOURCE
#include "ss.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char sockq_ss_shorts[] = "hnralomepbiTstudwxMS460f:A:D:F:vVN:EzZKHO";

enum { TIPC = 256, VSOCK, TIPCINFO, TOS, CGROUP, XDP, SOCKOPT };

/* In the order in which messages list them. */
const struct option sockq_ss_longs[] = {{"numeric", 0, NULL, 'n'},
                                        {"resolve", 0, NULL, 'r'},
                                        {"options", 0, NULL, 'o'},
                                        {"extended", 0, NULL, 'e'},
                                        {"memory", 0, NULL, 'm'},
                                        {"info", 0, NULL, 'i'},
                                        {"processes", 0, NULL, 'p'},
                                        {"threads", 0, NULL, 'T'},
                                        {"bpf", 0, NULL, 'b'},
                                        {"events", 0, NULL, 'E'},
                                        {"dccp", 0, NULL, 'd'},
                                        {"tcp", 0, NULL, 't'},
                                        {"sctp", 0, NULL, 'S'},
                                        {"udp", 0, NULL, 'u'},
                                        {"raw", 0, NULL, 'w'},
                                        {"unix", 0, NULL, 'x'},
                                        {"tipc", 0, NULL, TIPC},
                                        {"vsock", 0, NULL, VSOCK},
                                        {"all", 0, NULL, 'a'},
                                        {"listening", 0, NULL, 'l'},
                                        {"ipv4", 0, NULL, '4'},
                                        {"ipv6", 0, NULL, '6'},
                                        {"packet", 0, NULL, '0'},
                                        {"family", 1, NULL, 'f'},
                                        {"socket", 1, NULL, 'A'},
                                        {"query", 1, NULL, 'A'},
                                        {"summary", 0, NULL, 's'},
                                        {"diag", 1, NULL, 'D'},
                                        {"filter", 1, NULL, 'F'},
                                        {"version", 0, NULL, 'V'},
                                        {"help", 0, NULL, 'h'},
                                        {"context", 0, NULL, 'Z'},
                                        {"contexts", 0, NULL, 'z'},
                                        {"net", 1, NULL, 'N'},
                                        {"tipcinfo", 0, NULL, TIPCINFO},
                                        {"tos", 0, NULL, TOS},
                                        {"cgroup", 0, NULL, CGROUP},
                                        {"kill", 0, NULL, 'K'},
                                        {"no-header", 0, NULL, 'H'},
                                        {"xdp", 0, NULL, XDP},
                                        {"mptcp", 0, NULL, 'M'},
                                        {"oneline", 0, NULL, 'O'},
                                        {"inet-sockopt", 0, NULL, SOCKOPT},
                                        {NULL, 0, NULL, 0}};

/* More than filters need, and less than would hurt. */
enum { FILTER_MOST = 1 << 20, FIRST_ROOM = 4096 };

/* As a host stands in a filter: [FAMILY:]HOST[:PORT], HOST perhaps in brackets. */
static void cut_to_host(char *word)
{
    static const char *const families[] = {"inet:", "inet6:"};
    char *host = word, *end;

    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
        if (strncmp(word, families[i], strlen(families[i])) == 0)
            host = word + strlen(families[i]);
    if (*host == '[')
        end = strchr(++host, ']');
    else
        end = strrchr(host, ':');
    if (end)
        *end = '\0';
    memmove(word, host, strlen(host) + 1);
}

/* What no address is, and a name can be. */
static bool may_be_host(const char *text)
{
    enum { HOST_MOST = 253 };
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const size_t length = strspn(text, "0123456789.-_abcdefghijklmnopqrstuvwxyz"
                                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

    return length > 0 && length <= HOST_MOST && !text[length] && text[strcspn(text, letters)];
}

static int add_host(struct sockq_ss *ss, const char *host)
{
    char **more = realloc(ss->hosts, (ss->host_count + 1) * sizeof(*more));

    if (!more)
        return -1;
    ss->hosts = more;
    more[ss->host_count] = strdup(host);
    if (!more[ss->host_count])
        return -1;
    ss->host_count++;
    return 0;
}

/*
 * The next word of a filter: up to a blank, a backslash makes the next byte literal. ends_at_line:
 * a line feed ends a word as well.
 *
 * @return what is behind it, or NULL: there is none
 */
static const char *next_word(const char *at, const char *end, bool ends_at_line, char *word)
{
    while (at < end && (*at == ' ' || *at == '\t' || (ends_at_line && *at == '\n')))
        at++;
    if (at == end)
        return NULL;
    while (at < end && *at != ' ' && *at != '\t' && !(ends_at_line && *at == '\n')) {
        if (*at == '\\' && at + 1 < end)
            at++;
        *word++ = *at++;
    }
    *word = '\0';
    return at;
}

static bool is_side(const char *word)
{
    return strcmp(word, "src") == 0 || strcmp(word, "dst") == 0;
}

static bool is_operator(const char *word)
{
    static const char *const operators[] = {"=", "==", "eq", "!=", "ne", "neq", NULL};

    for (int i = 0; operators[i]; i++)
        if (strcmp(operators[i], word) == 0)
            return true;
    return false;
}

/* The hosts in a piece of a filter. follows: the word before it was "src" or "dst". */
static int find_hosts(struct sockq_ss *ss, const char *text, size_t size, bool ends_at_line,
                      bool *follows)
{
    const char *at = text;
    char *word = malloc(size + 1);
    int result = word ? 0 : -1;

    while (result == 0 && (at = next_word(at, text + size, ends_at_line, word))) {
        const bool side = is_side(word);
        if (*follows && is_operator(word))
            continue;
        if (*follows && !side) {
            cut_to_host(word);
            if (may_be_host(word))
                result = add_host(ss, word);
        }
        *follows = side;
    }
    free(word);
    return result;
}

int sockq_ss_find(struct sockq_ss *ss, const struct sockq_options *options)
{
    bool follows = false;
    /* Words that are no options change places here. */
    char **words = calloc((size_t)options->word_count + 1, sizeof(*words));
    int letter;

    *ss = (struct sockq_ss){0};
    if (!words)
        return -1;
    memcpy(words, options->words, (size_t)options->word_count * sizeof(*words));
    optind = 0; /* glibc: start afresh */
    opterr = 0;
    while ((letter = getopt_long(options->word_count, words, sockq_ss_shorts, sockq_ss_longs,
                                 NULL)) != -1) {
        if (letter == '?' || letter == 'h' || letter == 'v' || letter == 'V')
            break;
        if (letter == 'N')
            ss->netns = optarg;
        else if (letter == 'F' && !ss->filter)
            ss->filter = optarg;
        /* F: what a file asks for is not known yet. */
        ss->marks |= letter == 'e' || letter == 'i' || letter == 'b' || letter == 'F';
    }
    free(words);
    for (int i = 1; i < options->word_count; i++) {
        ss->marks |= strstr(options->words[i], "fwmark") != NULL;
        if (find_hosts(ss, options->words[i], strlen(options->words[i]), false, &follows) < 0)
            return -1;
    }
    ss->named_count = ss->host_count;
    return 0;
}

/* @return 0, or -1 with errno ENOMEM; a file that cannot be read is as empty as ss has it */
static int read_filter(struct sockq_ss *ss)
{
    bool is_input = strcmp(ss->filter, "-") == 0;
    int fd = is_input ? STDIN_FILENO : open(ss->filter, O_RDONLY | O_NOCTTY | O_CLOEXEC);
    size_t room = FIRST_ROOM;
    ssize_t n = 0;

    if (fd < 0) {
        ss->error = errno;
        return 0;
    }
    ss->text = malloc(room);
    while (ss->text && ss->size <= FILTER_MOST) {
        if (ss->size == room) {
            char *more = realloc(ss->text, room *= 2);
            if (!more)
                break;
            ss->text = more;
        }
        n = read(fd, ss->text + ss->size, room - ss->size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        ss->size += (size_t)n;
    }
    if (!is_input)
        close(fd);
    if (!ss->text || (n > 0 && ss->size <= FILTER_MOST)) {
        errno = ENOMEM;
        return -1;
    }
    if (ss->size > FILTER_MOST) {
        free(ss->text);
        ss->text = NULL;
        ss->error = EFBIG;
    }
    return 0;
}

/* A cgroup's id is its file handle. @return 0, or errno */
static int id_of(const char *path, uint64_t *id)
{
    union {
        struct file_handle handle;
        char room[sizeof(struct file_handle) + sizeof(uint64_t)];
    } found = {.handle = {.handle_bytes = sizeof(*id)}};
    int mount;

    if (name_to_handle_at(AT_FDCWD, path, &found.handle, &mount, 0) < 0)
        return errno;
    if (found.handle.handle_bytes != sizeof(*id))
        return EINVAL;
    memcpy(id, found.handle.f_handle, sizeof(*id));
    return 0;
}

/* The same of a path below the place where cgroup2 is mounted. */
static int id_below_mount(const char *path, uint64_t *id)
{
    FILE *mounts = setmntent("/proc/mounts", "re");
    struct mntent *entry;
    char *whole = NULL;
    int result = ENOENT;

    while (mounts && (entry = getmntent(mounts)))
        if (strcmp(entry->mnt_type, "cgroup2") == 0) {
            if (asprintf(&whole, "%s/%s", entry->mnt_dir, path) < 0)
                result = ENOMEM;
            else
                result = id_of(whole, id);
            break;
        }
    if (result != ENOMEM)
        free(whole);
    if (mounts)
        endmntent(mounts);
    return result;
}

static int add_cgroup(struct sockq_ss *ss, const char *path)
{
    struct sockq_ss_cgroup *more =
                               realloc(ss->cgroups, (ss->cgroup_count + 1) * sizeof(*ss->cgroups)),
                           *one;

    if (!more)
        return -1;
    ss->cgroups = more;
    one = &more[ss->cgroup_count];
    *one = (struct sockq_ss_cgroup){.path = strdup(path)};
    if (!one->path)
        return -1;
    ss->cgroup_count++;
    if (id_of(path, &one->id) != 0)
        one->error = id_below_mount(path, &one->id);
    return 0;
}

/* Look up the cgroups in a piece of a filter. follows: the word before it was "cgroup". */
static int find_cgroups(struct sockq_ss *ss, const char *text, size_t size, bool ends_at_line,
                        bool *follows)
{
    char *word = malloc(size + 1);
    const char *at = text;
    int result = word ? 0 : -1;

    while (result == 0 && (at = next_word(at, text + size, ends_at_line, word))) {
        if (*follows && is_operator(word))
            continue;
        if (*follows)
            result = add_cgroup(ss, word);
        *follows = strcmp(word, "cgroup") == 0;
    }
    free(word);
    return result;
}

int sockq_ss_list_devices(struct sockq_ss *ss)
{
    struct if_nameindex *list = if_nameindex();
    size_t count = 0;

    /* Without a list no device has a name. */
    if (!list)
        return errno == ENOMEM ? -1 : 0;
    while (list[count].if_index)
        count++;
    ss->devices = calloc(count + 1, sizeof(*ss->devices));
    for (size_t i = 0; ss->devices && i < count; i++) {
        struct sockq_ss_device *one = &ss->devices[ss->device_count++];
        one->index = list[i].if_index;
        snprintf(one->name, sizeof(one->name), "%s", list[i].if_name);
    }
    if_freenameindex(list);
    return ss->devices ? 0 : -1;
}

int sockq_ss_open(struct sockq_ss *ss, const struct sockq_options *options)
{
    bool follows = false, follows_side = false, has_words = ss->filter != NULL;

    if (ss->filter && read_filter(ss) < 0)
        return -1;
    for (int i = 1; i < options->word_count; i++) {
        const char *word = options->words[i];
        has_words = has_words || word[0] != '-';
        if (find_cgroups(ss, word, strlen(word), false, &follows) < 0)
            return -1;
    }
    if (ss->text && (find_cgroups(ss, ss->text, ss->size, true, &follows) < 0 ||
                     find_hosts(ss, ss->text, ss->size, true, &follows_side) < 0))
        return -1;
    /* Those of another namespace were listed in it. */
    return has_words && !ss->netns ? sockq_ss_list_devices(ss) : 0;
}

void sockq_ss_free(struct sockq_ss *ss)
{
    for (size_t i = 0; i < ss->cgroup_count; i++)
        free(ss->cgroups[i].path);
    free(ss->cgroups);
    for (size_t i = 0; i < ss->host_count; i++)
        free(ss->hosts[i]);
    free(ss->hosts);
    free(ss->devices);
    free(ss->text);
    *ss = (struct sockq_ss){0};
}
