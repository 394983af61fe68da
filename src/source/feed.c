#define _GNU_SOURCE
#include "feed.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "../thread.h"

enum {
    PIECE = 256 << 10,
    /* What a thread hands over at least: a read of /proc gives 4 KiB, and a handover costs much
       more. */
    ENOUGH = PIECE / 2,
    LONG = 128 << 10,
    PIECES = 4
};

struct piece {
    char *memory; /* FEED_ROOM, then PIECE; but for the first NULL before a thread reads */
    ssize_t size; /* as feed_next returns it */
    int error;
};

/* Pieces taken and given are counted; piece N lies in pieces[N % PIECES]. */
struct feed {
    int fd;
    size_t read; /* bytes, by feed_next itself */
    struct piece pieces[PIECES];
    bool ahead;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t given; /* by the thread */
    size_t taken; /* by feed_next; the last of them is still looked at */
    bool stopped;
};

static bool make_room(struct piece *piece)
{
    if (!piece->memory)
        piece->memory = malloc(FEED_ROOM + PIECE);
    return piece->memory;
}

struct feed *feed_open(int fd)
{
    struct feed *feed = calloc(1, sizeof(*feed));

    if (!feed || !make_room(&feed->pieces[0])) {
        int saved = errno;
        free(feed);
        close(fd);
        errno = saved;
        return NULL;
    }
    feed->fd = fd;
    pthread_mutex_init(&feed->lock, NULL);
    pthread_cond_init(&feed->changed, NULL);
    return feed;
}

/* Read until there are `enough` bytes, or the file ends. */
static void fill(int fd, struct piece *piece, size_t enough)
{
    size_t have = 0;

    piece->error = 0;
    while (have < enough) {
        ssize_t n = read(fd, piece->memory + FEED_ROOM + have, PIECE - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            piece->error = errno;
        if (n <= 0)
            break;
        have += (size_t)n;
    }
    /* What came before an error is given first; the next read meets it again. */
    piece->size = piece->error && have == 0 ? -1 : (ssize_t)have;
}

static void *read_ahead(void *context)
{
    struct feed *feed = context;
    bool last = false;

    while (!last) {
        pthread_mutex_lock(&feed->lock);
        /* The piece that was taken last is still looked at. */
        while (!feed->stopped && feed->given + 1 - feed->taken >= PIECES)
            pthread_cond_wait(&feed->changed, &feed->lock);
        bool stopped = feed->stopped;
        pthread_mutex_unlock(&feed->lock);
        if (stopped)
            break;
        struct piece *piece = &feed->pieces[feed->given % PIECES];
        fill(feed->fd, piece, ENOUGH);
        last = piece->size <= 0;
        pthread_mutex_lock(&feed->lock);
        feed->given++;
        pthread_cond_signal(&feed->changed);
        pthread_mutex_unlock(&feed->lock);
    }
    return NULL;
}

void feed_ahead(struct feed *feed)
{
    if (feed->ahead || sockq_processors(2) < 2)
        return;
    for (int i = 0; i < PIECES; i++)
        if (!make_room(&feed->pieces[i]))
            return;
    /* The piece that feed_next gave last is still looked at. */
    feed->given = feed->taken = feed->read > 0;
    feed->ahead = sockq_thread_start(&feed->thread, NULL, read_ahead, feed) == 0;
}

bool feed_is_long(const struct feed *feed)
{
    return feed->ahead ? feed->taken > 1 : feed->read >= LONG;
}

/* The next piece that the thread has given; what ends the file stays. */
static struct piece *take(struct feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    while (feed->given == feed->taken)
        pthread_cond_wait(&feed->changed, &feed->lock);
    struct piece *piece = &feed->pieces[feed->taken % PIECES];
    if (piece->size > 0)
        feed->taken++;
    pthread_cond_signal(&feed->changed);
    pthread_mutex_unlock(&feed->lock);
    return piece;
}

ssize_t feed_next(struct feed *feed, char **text)
{
    struct piece *piece = &feed->pieces[0];

    if (feed->ahead) {
        piece = take(feed);
    } else {
        fill(feed->fd, piece, 1);
        feed->read += piece->size > 0 ? (size_t)piece->size : 0;
    }
    if (piece->size > 0)
        *text = piece->memory + FEED_ROOM;
    errno = piece->error;
    return piece->size;
}

void feed_close(struct feed *feed)
{
    if (!feed)
        return;
    if (feed->ahead) {
        pthread_mutex_lock(&feed->lock);
        feed->stopped = true;
        pthread_cond_signal(&feed->changed);
        pthread_mutex_unlock(&feed->lock);
        pthread_join(feed->thread, NULL);
    }
    for (int i = 0; i < PIECES; i++)
        free(feed->pieces[i].memory);
    pthread_mutex_destroy(&feed->lock);
    pthread_cond_destroy(&feed->changed);
    close(feed->fd);
    free(feed);
}
