/*
 * The side that asks.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "names.h"

static int lose(struct names_client *client)
{
    client->lost = true;
    errno = EPIPE;
    return -1;
}

static int send_question(struct names_client *client, const struct names_question *question,
                         bool (*stops)(void *), void *context)
{
    ssize_t n;

    do
        n = send(client->socket, question, sizeof(*question), MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR && !stops(context));
    if (n < 0 && errno == EINTR)
        return -1;
    return n == sizeof(*question) ? 0 : lose(client);
}

void names_tell(int socket, char *const *hosts, size_t count)
{
    char *list = calloc(1, NAMES_TOLD);
    /* An empty datagram would be the end. */
    size_t size = 1;
    ssize_t n;

    for (size_t i = 0; list && i < count; i++) {
        const size_t length = strlen(hosts[i]) + 1;
        if (length > NAMES_TOLD - size)
            break;
        memcpy(list + size, hosts[i], length);
        size += length;
    }
    /* It waits for one message, whatever is in it. */
    do {
        n = send(socket, list ? list : "", list ? size : 1, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR && size > 1)
            size = 1;
        else if (n < 0 && errno != EINTR)
            break;
    } while (n < 0);
    if (n < 0)
        (void)shutdown(socket, SHUT_RDWR);
    free(list);
}

int names_ask(struct names_client *client, struct names_question *question,
              struct names_answer *answer, bool (*stops)(void *), void *context)
{
    if (client->lost || client->socket < 0)
        return lose(client);
    question->serial = ++client->serial;
    if (send_question(client, question, stops, context) < 0)
        return -1;
    for (;;) {
        ssize_t n = recv(client->socket, answer, sizeof(*answer), MSG_TRUNC);
        if (n < 0 && errno == EINTR) {
            if (!stops(context))
                continue;
            errno = EINTR;
            return -1;
        }
        if (n != sizeof(*answer))
            return lose(client);
        /* An answer to a question that was given up. */
        if (answer->serial != question->serial && question->serial - answer->serial <= INT32_MAX)
            continue;
        if (answer->serial != question->serial || !names_answer_valid(answer, (size_t)n, question))
            return lose(client);
        return 0;
    }
}
