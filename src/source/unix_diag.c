#define _GNU_SOURCE
#include "unix_diag.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "sock_diag.h"

enum { ANSWER = 32 << 10, QUESTION = 128, SEQUENCE = 1 };

static struct unix_asked *find(const struct unix_diag *diag, uint32_t inode)
{
    size_t low = 0, high = diag->asked_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (diag->asked[middle].inode < inode)
            low = middle + 1;
        else
            high = middle;
    }
    return low < diag->asked_count && diag->asked[low].inode == inode ? &diag->asked[low] : NULL;
}

const struct unix_asked *unix_diag_find(const struct unix_diag *diag, uint64_t inode)
{
    struct unix_asked *asked = inode <= UINT32_MAX ? find(diag, (uint32_t)inode) : NULL;

    return asked && asked->type ? asked : NULL;
}

uint8_t unix_diag_name(const struct nlattr *attribute, char name[UNIX_NAME])
{
    const char *given = mnl_attr_get_payload(attribute);
    size_t length = mnl_attr_get_payload_len(attribute);

    if (length == 0 || length > UNIX_NAME + 1)
        return 0;
    /* A path ends in a zero byte, which is counted; an abstract name begins with one. */
    if (given[0])
        length -= given[length - 1] == '\0';
    if (length > UNIX_NAME)
        length = UNIX_NAME;
    for (size_t i = 0; i < length; i++)
        name[i] = (char)(given[i] ? given[i] : '@');
    return (uint8_t)length;
}

int unix_reserve(void *list, size_t *room, size_t needed, size_t size)
{
    void **memory = list;
    size_t more = *room ? *room : 64;

    while (more < needed)
        more *= 2;
    if (more == *room)
        return 0;
    void *larger = realloc(*memory, more * size);
    if (!larger)
        return -1;
    *memory = larger;
    *room = more;
    return 0;
}

static int keep_broken(struct unix_diag *diag, const struct unix_true_name *name)
{
    if (unix_reserve(&diag->broken, &diag->broken_room, diag->broken_count + 1, sizeof(*name)) < 0)
        return -1;
    diag->broken[diag->broken_count++] = *name;
    return 0;
}

static int keep_asked(struct unix_diag *diag, struct unix_asked *asked,
                      const struct unix_true_name *name, uint8_t type)
{
    if (asked->type && asked->length == name->length)
        return 0;
    if (diag->names_used > UINT32_MAX - UNIX_NAME ||
        unix_reserve(&diag->names, &diag->names_room, diag->names_used + name->length, 1) < 0)
        return -1;
    memcpy(diag->names + diag->names_used, name->bytes, name->length);
    asked->name = (uint32_t)diag->names_used;
    asked->length = name->length;
    asked->type = type;
    diag->names_used += name->length;
    return 0;
}

static int take_attribute(const struct nlattr *attribute, void *context)
{
    struct unix_true_name *name = context;

    if (mnl_attr_get_type(attribute) == UNIX_DIAG_NAME)
        name->length = unix_diag_name(attribute, name->bytes);
    return MNL_CB_OK;
}

static int take_socket(const struct nlmsghdr *header, void *context)
{
    struct unix_diag *diag = context;
    const struct unix_diag_msg *message = mnl_nlmsg_get_payload(header);
    struct unix_true_name name;

    if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
        mnl_nlmsg_get_payload_len(header) < sizeof(*message))
        return MNL_CB_OK;
    name.inode = message->udiag_ino;
    name.length = 0;
    (void)mnl_attr_parse(header, sizeof(*message), take_attribute, &name);
    struct unix_asked *asked = find(diag, name.inode);
    if ((asked && keep_asked(diag, asked, &name, message->udiag_type) < 0) ||
        (memchr(name.bytes, '\n', name.length) && keep_broken(diag, &name) < 0)) {
        errno = ENOMEM;
        return MNL_CB_ERROR;
    }
    return MNL_CB_OK;
}

/* By the first line, then by the rest. */
static int compare_broken(const void *a, const void *b)
{
    const struct unix_true_name *x = a, *y = b;
    uint8_t shorter = x->length < y->length ? x->length : y->length;
    int order = memcmp(x->bytes, y->bytes, shorter);

    return order ? order : x->length - y->length;
}

static int ask(struct mnl_socket *socket)
{
    _Alignas(struct nlmsghdr) char bytes[QUESTION];
    struct nlmsghdr *header = mnl_nlmsg_put_header(bytes);

    header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
    header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    header->nlmsg_seq = SEQUENCE;
    struct unix_diag_req *request = mnl_nlmsg_put_extra_header(header, sizeof(*request));
    request->sdiag_family = AF_UNIX;
    request->udiag_states = UINT32_MAX;
    request->udiag_show = UDIAG_SHOW_NAME;
    return mnl_socket_sendto(socket, header, header->nlmsg_len) < 0 ? -1 : 0;
}

static int take_answer(struct unix_diag *diag, struct mnl_socket *socket)
{
    char *bytes = malloc(ANSWER);
    int more = bytes ? MNL_CB_OK : MNL_CB_ERROR;

    while (more > MNL_CB_STOP) {
        ssize_t n = diag_receive(socket, bytes, ANSWER);
        more = n < 0 ? MNL_CB_ERROR
                     : mnl_cb_run(bytes, (size_t)n, SEQUENCE, mnl_socket_get_portid(socket),
                                  take_socket, diag);
    }
    int saved = errno;
    free(bytes);
    errno = saved;
    return more < 0 ? -1 : 0;
}

int unix_diag_read(struct unix_diag *diag)
{
    struct mnl_socket *socket = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
    int result = -1;

    if (!socket)
        return -1;
    diag->broken_count = 0;
    if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) == 0 && ask(socket) == 0)
        result = take_answer(diag, socket);
    int saved = errno;
    mnl_socket_close(socket);
    if (diag->broken)
        qsort(diag->broken, diag->broken_count, sizeof(*diag->broken), compare_broken);
    errno = saved;
    return result;
}

void unix_diag_free(struct unix_diag *diag)
{
    free(diag->names);
    free(diag->broken);
}
