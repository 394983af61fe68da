/*
 * The process that answers.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../sandbox/collector.h"
#include "../sandbox/load.h"
#include "names.h"

enum { EXIT_DATA = 3 };

/* Who reads what sockq writes must not wait for this process to end. */
static int leave_standard_files(void)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC), result = 0;

    for (int i = STDIN_FILENO; fd >= 0 && result >= 0 && i <= STDERR_FILENO; i++)
        result = dup2(fd, i);
    if (fd > STDERR_FILENO)
        close(fd);
    return fd < 0 || result < 0 ? -1 : 0;
}

static int confine(const struct names_service *service)
{
    /* Ctrl-C is for the interpreter: it may go on, and ask again. */
    signal(SIGINT, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
    (void)prctl(PR_SET_NAME, "sockq-names", 0, 0, 0);
    if (service->netns >= 0 && setns(service->netns, CLONE_NEWNET) < 0)
        return -1;
    sockq_descriptors_close(service->socket, -1);
    if (leave_standard_files() < 0 ||
        sockq_interpreter_confine(service->invoker, service->parent) < 0)
        return -1;
    return 0;
}

static bool asks_others(const struct names_question *question)
{
    return question->kind == NAMES_HOST4 || question->kind == NAMES_NETWORK4 ||
           question->kind == NAMES_HOST6 || question->kind == NAMES_ADDRESSES;
}

static int send_answer(int socket, const struct names_answer *answer)
{
    ssize_t n;

    do
        n = send(socket, answer, sizeof(*answer), MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n == sizeof(*answer) ? 0 : -1;
}

/* The hosts that names_tell() told of, one behind the other, each with a NUL. */
struct told {
    char *text; /* NULL: none */
    size_t size;
};

/* @return true; false: the other end closed, or there is no memory */
static bool take_told(int socket, struct told *told)
{
    ssize_t n;

    told->text = malloc(NAMES_TOLD + 1);
    if (!told->text)
        return false;
    do
        n = recv(socket, told->text, NAMES_TOLD, 0);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return false;
    told->size = (size_t)n;
    told->text[n] = '\0';
    return true;
}

/* The host with a number; NULL: there is none. */
static const char *host_of(const struct names_service *service, const struct told *told,
                           size_t number)
{
    if (number < service->named_count)
        return service->named[number];
    number -= service->named_count;
    /* The first byte is no part of a name. */
    for (size_t at = 1; at < told->size; at += strlen(told->text + at) + 1)
        if (number-- == 0)
            return told->text + at;
    return NULL;
}

static int serve(const struct names_service *service, const struct told *told)
{
    struct names_question question;
    struct names_answer answer;
    bool asked = false;
    ssize_t n;

    for (;;) {
        do
            n = recv(service->socket, &question, sizeof(question), MSG_TRUNC);
        while (n < 0 && errno == EINTR);
        if (n == 0 || (n < 0 && errno == ECONNRESET))
            return 0;
        if (n < 0 || !names_question_valid(&question, (size_t)n))
            return EXIT_DATA;
        /* Most runs ask for no name: making the list takes longer than all else here. */
        if (!asked && sockq_seccomp_names() < 0 && !sockq_seccomp_is_missing(errno))
            return EXIT_DATA;
        asked = true;
        if (asks_others(&question) && !service->hosts)
            answer = (struct names_answer){.magic = question.magic,
                                           .version = question.version,
                                           .kind = question.kind,
                                           .serial = question.serial};
        else
            names_resolve(&question, &answer);
        const char *host = question.kind == NAMES_ADDRESSES && service->hosts
                               ? host_of(service, told, question.number)
                               : NULL;
        if (host)
            names_addresses(host, &answer);
        if (send_answer(service->socket, &answer) < 0)
            return 0;
    }
}

int names_serve(const struct names_service *service)
{
    struct told told = {.size = 0};

    if (confine(service) < 0)
        return EXIT_DATA;
    const bool begins = !service->is_told || take_told(service->socket, &told);
    const int status = begins ? serve(service, &told) : told.text ? 0 : EXIT_DATA;
    free(told.text);
    return status;
}

pid_t names_start(const struct names_service *service, const void *map, size_t size)
{
    const pid_t pid = fork();

    if (pid == 0) {
        if (map && munmap((void *)(uintptr_t)map, size) < 0)
            _exit(EXIT_DATA);
        _exit(names_serve(service));
    }
    return pid > 0 ? pid : 0;
}
