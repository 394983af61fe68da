#define _GNU_SOURCE
#include "named.h"

#include <errno.h>
#include <string.h>

#include "recording.h"

static int open_word(struct sockq_named_list *named, const char *word, bool append)
{
    struct sockq_named *one = &named->list[named->count++];
    const char *mark = append ? NULL : strrchr(word, '@');

    *one = (struct sockq_named){.word = word, .path = strdup(word), .append = append};
    if (!one->path)
        return -1;
    one->fd = append ? sockq_recording_create(word) : sockq_recording_open(word);
    if (one->fd < 0 && errno == ENOENT && mark) {
        one->path[mark - word] = '\0';
        one->time = mark + 1;
        one->fd = sockq_recording_open(one->path);
    }
    one->error = one->fd < 0 ? errno : 0;
    return 0;
}

int sockq_named_open(struct sockq_named_list *named, const struct sockq_options *options)
{
    const char *read = sockq_options_argument(options, "read");
    const char *command = options->mode == SOCKQ_MODE_NAME ? options->words[0] : "";

    if (read && open_word(named, read, false) < 0)
        return -1;
    if (strcmp(command, "record") == 0 && options->word_count > 1)
        return open_word(named, options->words[1], true);
    int most = strcmp(command, "diff") == 0 ? 2 : strcmp(command, "snapshots") == 0 ? 1 : 0;
    for (int i = 1; i <= most && i < options->word_count; i++)
        if (open_word(named, options->words[i], false) < 0)
            return -1;
    return 0;
}

struct sockq_named *sockq_named_find(struct sockq_named_list *named, const char *word, bool append)
{
    for (int i = 0; i < named->count; i++)
        if (named->list[i].append == append && strcmp(named->list[i].word, word) == 0)
            return &named->list[i];
    return NULL;
}
