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

static int read_text(const struct sockq_texts *texts, struct sockq_text *text, int flags)
{
    struct stat st;
    const char *refused;
    int result = 0;
    int fd = open(text->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags);

    if (fd < 0 || fstat(fd, &st) < 0)
        refused = strerror(errno);
    else
        refused = why_refused(texts, &st);
    if (refused) {
        text->error = strdup(refused);
        result = text->error ? 0 : -1;
    } else {
        result = read_bytes(text, fd, (size_t)st.st_size);
    }
    if (fd >= 0)
        close(fd);
    return result;
}

static int read_kind(struct sockq_texts *texts, const char *folder, const char *kind)
{
    char path[PATH_MAX];
    struct dirent *entry;
    int n = snprintf(path, sizeof(path), "%s/%s", folder, kind);
    DIR *dir = n > 0 && (size_t)n < sizeof(path) ? opendir(path) : NULL;
    int result = 0;

    if (!dir)
        return 0;
    while (result == 0 && texts->count < SOCKQ_TEXTS_MOST && (entry = readdir(dir)) != NULL) {
        size_t length = strlen(entry->d_name);
        if (length <= 4 || entry->d_name[0] == '.' ||
            strcmp(entry->d_name + length - 4, ".lua") != 0)
            continue;
        n = snprintf(path, sizeof(path), "%s/%s/%s", folder, kind, entry->d_name);
        if (n < 0 || (size_t)n >= sizeof(path))
            continue;
        struct sockq_text *text = new_text(texts, kind, entry->d_name, length - 4, path);
        result = text ? read_text(texts, text, texts->privileged ? O_NOFOLLOW : 0) : -1;
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

    return text ? read_text(texts, text, 0) : -1;
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

    return n > 0 && (size_t)n < sizeof(path) && access(path, F_OK) == 0;
}

bool sockq_texts_has_plugin(const struct sockq_texts *texts, const char *kind, const char *name)
{
    struct wanted wanted = {kind, name};

    return each_folder(texts, has_plugin, &wanted) != 0;
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
