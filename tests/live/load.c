/* Many connected TCP pairs, spread over child processes that hold them open. */
#include "sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

enum {
    MIN_PARTS = 8,     /* processes, so that a search for owners has something to walk, */
    MIN_PAIRS = 12,    /* but none for less than this */
    MAX_FILES = 16000, /* descriptors of a child, below the usual hard limits */
    SPARE_FILES = 64,  /* of them for what is not a pair */
    MAX_CLOSED = 5000, /* TIME_WAIT rows; one for twenty pairs, but no more than this */
    FIRST_PORT = 7000, /* the child with number n listens on this + n */
    ADDRESSES = 250,   /* 127.0.0.1 ... 127.0.0.250 */
};

struct part {
    unsigned number;
    unsigned pairs;
    unsigned closed;
};

static void loopback_addr(struct sockaddr_in *out, unsigned net, unsigned host, unsigned port)
{
    memset(out, 0, sizeof *out);
    out->sin_family = AF_INET;
    out->sin_port = htons((uint16_t)port);
    out->sin_addr.s_addr = htonl(0x7F000000U | net << 8 | host);
}

static int listen_on(const struct sockaddr_in *addr)
{
    int fd = new_socket(AF_INET, SOCK_STREAM, 0);
    set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (bind(fd, (const struct sockaddr *)addr, sizeof *addr) != 0 || listen(fd, 64) != 0)
        die("listen");
    return fd;
}

/* Connect from 127.0.1.x to 127.0.0.y, so that no pair of addresses runs out of ports. */
static void join(const struct part *part, unsigned number, int server, int *client, int *peer)
{
    struct sockaddr_in from, to;
    loopback_addr(&from, 1, 1 + part->number % ADDRESSES, 0);
    loopback_addr(&to, 0, 1 + number % ADDRESSES, FIRST_PORT + part->number);
    *client = new_socket(AF_INET, SOCK_STREAM, 0);
    set_int(*client, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    if (bind(*client, (struct sockaddr *)&from, sizeof from) != 0)
        die("bind");
    if (connect(*client, (struct sockaddr *)&to, sizeof to) != 0)
        die("connect");
    *peer = accept4(server, NULL, NULL, SOCK_CLOEXEC);
    if (*peer < 0)
        die("accept4");
}

static void fill_part(const struct part *part)
{
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)(FIRST_PORT + part->number))};
    int server = listen_on(&addr), client, peer;
    loopback_addr(&addr, 0, 1 + part->number % ADDRESSES, 0);
    listen_on(&addr);
    for (unsigned i = 0; i < part->pairs; i++) {
        join(part, i, server, &client, &peer);
        if (i % 3 == 0) {
            set_int(client, IPPROTO_TCP, TCP_KEEPIDLE, 60 + (int)(i % 7000));
            set_int(client, SOL_SOCKET, SO_KEEPALIVE, 1);
            set_int(peer, IPPROTO_TCP, TCP_KEEPIDLE, 60 + (int)(i % 7000));
            set_int(peer, SOL_SOCKET, SO_KEEPALIVE, 1);
        }
        if (i % 10 == 0 && send(client, "some bytes that nobody reads", 28, MSG_NOSIGNAL) != 28)
            die("send");
    }
    for (unsigned i = 0; i < part->closed; i++) {
        char byte;
        join(part, i, server, &client, &peer);
        if (shutdown(client, SHUT_WR) != 0 || read(peer, &byte, 1) != 0)
            die("shutdown");
        close(client);
        close(peer);
    }
}

void make_load(unsigned long count, FILE *out)
{
    unsigned long pairs = count / 2;
    unsigned long files = raise_files(MAX_FILES + SPARE_FILES);
    if (files < 4 * SPARE_FILES) {
        errno = EMFILE;
        die("RLIMIT_NOFILE");
    }
    unsigned long most = (files < MAX_FILES ? files : MAX_FILES) / 2 - SPARE_FILES;
    unsigned long parts = (pairs + most - 1) / most;
    unsigned long closed = pairs / 20 < MAX_CLOSED ? pairs / 20 : MAX_CLOSED;
    int ready[2];

    if (parts < MIN_PARTS)
        parts = pairs < MIN_PARTS * MIN_PAIRS ? pairs / MIN_PAIRS + 1 : MIN_PARTS;
    write_sysctl("ipv4/ip_local_port_range", "10000 65535");
    if (pipe2(ready, O_CLOEXEC) != 0)
        die("pipe2");
    for (unsigned long i = 0; i < parts; i++) {
        struct part part = {.number = (unsigned)i,
                            .pairs = (unsigned)(pairs / parts + (i < pairs % parts)),
                            .closed = (unsigned)(closed / parts + (i < closed % parts))};
        pid_t child = spawn();
        if (child == 0) {
            close(ready[0]);
            fill_part(&part);
            if (write(ready[1], "y", 1) != 1)
                _exit(1);
            close(ready[1]);
            for (;;)
                pause();
        }
        fprintf(out, "load\t%d\t%u\t%u\t%u\n", (int)child, FIRST_PORT + part.number, part.pairs,
                part.closed);
    }
    close(ready[1]);
    for (unsigned long done = 0; done < parts;) {
        char bytes[64];
        ssize_t got = read(ready[0], bytes, sizeof bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            errno = ECHILD;
            die("load");
        }
        done += (unsigned long)got;
    }
    close(ready[0]);
}
