#define _GNU_SOURCE
#include "text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const sockq_plugin_kinds[] = {"timers", "views", "formats", "reports", NULL};

/* Call `visit` for every folder of the plug-in path until it returns other than 0. */
static int each_folder(const struct sockq_texts *texts,
                       int (*visit)(const char *folder, void *context), void *context)
{
    const char *lists[2] = {texts->path, texts->secure ? NULL : getenv("SOCKQ_PATH")};
    char folder[PATH_MAX];

    for (int i = 0; i < 2; i++) {
        for (const char *p = lists[i]; p && *p;) {
            size_t length = strcspn(p, ":");
            bool trusted = p[0] == '/' || i == 0 || !texts->privileged;
            if (trusted && length > 0 && length < sizeof(folder)) {
                memcpy(folder, p, length);
                folder[length] = '\0';
                int result = visit(folder, context);
                if (result)
                    return result;
            }
            p += length + (p[length] == ':');
        }
    }
    const char *config = texts->secure ? NULL : getenv("XDG_CONFIG_HOME");
    const char *home = texts->secure ? NULL : getenv("HOME");
    int n = -1;
    if (config && config[0] == '/')
        n = snprintf(folder, sizeof(folder), "%s/sockq", config);
    else if (home && home[0] == '/')
        n = snprintf(folder, sizeof(folder), "%s/.config/sockq", home);
    if (n > 0 && (size_t)n < sizeof(folder)) {
        int result = visit(folder, context);
        if (result)
            return result;
    }
    return visit("/etc/sockq", context);
}

static struct sockq_text *new_text(struct sockq_texts *texts, const char *kind, const char *name,
                                   size_t name_length, const char *path)
{
    if (texts->count == texts->room) {
        size_t room = texts->room ? texts->room * 2 : 16;
        struct sockq_text *more = realloc(texts->list, room * sizeof(*more));
        if (!more)
            return NULL;
        texts->list = more;
        texts->room = room;
    }
    struct sockq_text *text = &texts->list[texts->count];
    *text = (struct sockq_text){
        .kind = strdup(kind), .name = strndup(name, name_length), .path = strdup(path)};
    texts->count++;
    return text->kind && text->name && text->path ? text : NULL;
}

static const char *why_refused(const struct sockq_texts *texts, const struct stat *st)
{
    if (!S_ISREG(st->st_mode))
        return "not a regular file";
    if ((size_t)st->st_size > SOCKQ_TEXT_MOST)
        return "larger than 1 MiB";
    if (texts->privileged && (st->st_mode & S_IWOTH))
        return "others can write it: chmod o-w it first";
    return NULL;
}

/* Who may have chosen what a plug-in or its folder holds: with privileges only root and the
 * invoker. */
static const char *why_mistrusted(const struct sockq_texts *texts, const struct stat *st)
{
    const bool is_folder = S_ISDIR(st->st_mode);

    if (!texts->privileged)
        return NULL;
    /* A file that others can write was refused before. */
    if (is_folder && (st->st_mode & S_IWOTH))
        return "others can write its folder: chmod o-w it first";
    if ((st->st_mode & S_IWGRP) && st->st_gid != 0 && st->st_gid != texts->gid)
        return is_folder ? "a group that is not yours can write its folder: chmod g-w it first"
                         : "a group that is not yours can write it: chmod g-w it first";
    if (st->st_uid != 0 && st->st_uid != texts->uid)
        return is_folder ? "its folder is neither yours nor root's: chown it first"
                         : "it is neither yours nor root's: chown it first";
    return NULL;
}

static int read_bytes(struct sockq_text *text, int fd, size_t size)
{
    size_t have = 0;

    text->bytes = malloc(size + 1);
    if (!text->bytes)
        return -1;
    while (have < size) {
        ssize_t n = read(fd, text->bytes + have, size - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            text->error = strdup(strerror(errno));
            free(text->bytes);
            text->bytes = NULL;
            return text->error ? 0 : -1;
        }
        if (n == 0)
            break;
        have += (size_t)n;
    }
    text->bytes[have] = '\0';
    text->size = have;
    return 0;
}

/* Read from a descriptor, -1: errno says why there is none; closed here. */
static int read_text(struct sockq_texts *texts, struct sockq_text *text, int fd,
                     const char *mistrusted)
{
    struct stat st = {0};
    const char *refused = mistrusted;
    int result = 0;

    if (fd < 0 || fstat(fd, &st) < 0)
        refused = strerror(errno);
    else if (!refused)
        refused = why_refused(texts, &st);
    if (!refused && strcmp(text->kind, "script") != 0)
        refused = why_mistrusted(texts, &st);
    if (!refused && texts->bytes + (size_t)st.st_size > SOCKQ_TEXTS_BYTES)
        refused = "more than 16 MiB of plug-ins: remove some";
    if (refused) {
        text->error = strdup(refused);
        result = text->error ? 0 : -1;
    } else {
        result = read_bytes(text, fd, (size_t)st.st_size);
        texts->bytes += text->size;
    }
    if (fd >= 0)
        close(fd);
    return result;
}

enum { OPEN_FLAGS = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC };

static int read_plugin(struct sockq_texts *texts, const char *folder, const char *kind, int within,
                       const char *name, const char *mistrusted)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/%s/%s", folder, kind, name);

    if (n < 0 || (size_t)n >= sizeof(path))
        return 0;
    struct sockq_text *text = new_text(texts, kind, name, strlen(name) - 4, path);
    if (!text)
        return -1;
    if (texts->count > SOCKQ_TEXTS_MOST)
        mistrusted = "more than 512 plug-ins: remove some";
    return read_text(texts, text,
                     openat(within, name, OPEN_FLAGS | (texts->privileged ? O_NOFOLLOW : 0)),
                     mistrusted);
}

/* NULL where the folder may be trusted, or is not there. */
static const char *mistrust_folder(const struct sockq_texts *texts, const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? why_mistrusted(texts, &st) : NULL;
}

static bool is_plugin_name(const char *name)
{
    const size_t length = strlen(name);

    return length > 4 && name[0] != '.' && strcmp(name + length - 4, ".lua") == 0;
}

static int read_kind(struct sockq_texts *texts, const char *folder, const char *kind)
{
    char path[PATH_MAX];
    struct dirent *entry;
    struct stat st;
    int n = snprintf(path, sizeof(path), "%s/%s", folder, kind);
    DIR *dir = n > 0 && (size_t)n < sizeof(path) ? opendir(path) : NULL;
    int result = 0;

    if (!dir)
        return 0;
    const char *mistrusted = mistrust_folder(texts, folder);
    if (!mistrusted)
        mistrusted = fstat(dirfd(dir), &st) < 0 ? strerror(errno) : why_mistrusted(texts, &st);
    while (result == 0 && texts->count < SOCKQ_TEXTS_LISTED && (entry = readdir(dir)) != NULL) {
        if (is_plugin_name(entry->d_name))
            result = read_plugin(texts, folder, kind, dirfd(dir), entry->d_name, mistrusted);
    }
    closedir(dir);
    return result;
}

static int read_folder(const char *folder, void *context)
{
    for (int i = 0; sockq_plugin_kinds[i]; i++)
        if (read_kind(context, folder, sockq_plugin_kinds[i]) < 0)
            return -1;
    return 0;
}

int sockq_texts_read_plugins(struct sockq_texts *texts)
{
    return each_folder(texts, read_folder, texts);
}

int sockq_texts_read_script(struct sockq_texts *texts, const char *path)
{
    struct sockq_text *text = new_text(texts, "script", path, strlen(path), path);

    return text ? read_text(texts, text, open(path, OPEN_FLAGS), NULL) : -1;
}

struct wanted {
    const char *kind;
    const char *name;
};

static int has_plugin(const char *folder, void *context)
{
    const struct wanted *wanted = context;
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/%s/%s.lua", folder, wanted->kind, wanted->name);

    struct stat st;

    /* By the effective ids, which access(2) does not look at. */
    return n > 0 && (size_t)n < sizeof(path) && stat(path, &st) == 0;
}

bool sockq_texts_has_plugin(const struct sockq_texts *texts, const char *kind, const char *name)
{
    struct wanted wanted = {kind, name};

    return each_folder(texts, has_plugin, &wanted) != 0;
}

static int has_any(const char *folder, void *context)
{
    char path[PATH_MAX];

    (void)context;
    for (int i = 0; sockq_plugin_kinds[i]; i++) {
        const struct dirent *entry = NULL;
        const int n = snprintf(path, sizeof(path), "%s/%s", folder, sockq_plugin_kinds[i]);
        DIR *dir = n > 0 && (size_t)n < sizeof(path) ? opendir(path) : NULL;
        if (!dir && errno != ENOENT && errno != ENOTDIR)
            return 1;
        while (dir && (entry = readdir(dir)) != NULL && !is_plugin_name(entry->d_name))
            continue;
        if (dir)
            closedir(dir);
        if (entry)
            return 1;
    }
    return 0;
}

bool sockq_texts_has_any(const struct sockq_texts *texts)
{
    return each_folder(texts, has_any, NULL) != 0;
}

void sockq_texts_free(struct sockq_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++) {
        free(texts->list[i].kind);
        free(texts->list[i].name);
        free(texts->list[i].path);
        free(texts->list[i].bytes);
        free(texts->list[i].error);
    }
    free(texts->list);
    texts->list = NULL;
    texts->count = texts->room = 0;
}
