#define _GNU_SOURCE
#include "data.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_ROOM = 64 << 10 };

static int refuse(struct sockq_data *one, const char *why)
{
    free(one->bytes);
    one->bytes = NULL;
    one->error = strdup(why);
    return one->error ? 0 : -1;
}

/* To the end, whatever size the file was said to have: it may grow. */
static int read_all(struct sockq_data *one, int fd, size_t expected)
{
    size_t room = expected + 1 > FIRST_ROOM ? expected + 1 : FIRST_ROOM;

    one->bytes = malloc(room);
    if (!one->bytes)
        return -1;
    for (;;) {
        ssize_t n = read(fd, one->bytes + one->size, room - one->size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return refuse(one, strerror(errno));
        if (n == 0)
            return 0;
        one->size += (size_t)n;
        if (one->size > SOCKQ_DATA_MOST)
            return refuse(one, "larger than 64 MiB");
        if (one->size < room)
            continue;
        char *more = realloc(one->bytes, 2 * room);
        if (!more)
            return -1;
        one->bytes = more;
        room *= 2;
    }
}

static int read_file(struct sockq_data *one, const char *path)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC), result;
    struct stat st;

    if (fd < 0)
        return refuse(one, strerror(errno));
    if (fstat(fd, &st) < 0)
        result = refuse(one, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        result = refuse(one, "not a regular file; a pipe can be given as NAME=-");
    else if ((unsigned long long)st.st_size > SOCKQ_DATA_MOST)
        result = refuse(one, "larger than 64 MiB");
    else
        result = read_all(one, fd, (size_t)st.st_size);
    close(fd);
    return result;
}

static int read_one(struct sockq_data *one)
{
    const char *path = strchr(one->word, '=');

    if (!path || path[1] == '\0')
        return refuse(one, "no form NAME=FILE");
    return strcmp(path + 1, "-") == 0 ? read_all(one, STDIN_FILENO, 0) : read_file(one, path + 1);
}

int sockq_data_read(struct sockq_data_list *data, const struct sockq_options *options)
{
    for (int i = 0; i < options->given_count; i++) {
        const struct sockq_given *given = &options->given[i];
        if (strcmp(given->option->name, "data") != 0)
            continue;
        struct sockq_data *more = realloc(data->list, (data->count + 1) * sizeof(*more));
        if (!more)
            return -1;
        data->list = more;
        data->list[data->count] = (struct sockq_data){.word = given->argument};
        if (read_one(&data->list[data->count++]) < 0) {
            errno = ENOMEM;
            return -1;
        }
    }
    return 0;
}

void sockq_data_free(struct sockq_data_list *data)
{
    for (size_t i = 0; i < data->count; i++) {
        free(data->list[i].bytes);
        free(data->list[i].error);
    }
    free(data->list);
    *data = (struct sockq_data_list){0};
}
