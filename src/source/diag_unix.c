/*
 * Rows of unix sockets by unix_diag (net/unix/diag.c): names with their lengths, so that none can
 * pass for a row.
 *
 * Connections that wait for accept(2) have no inode, and the kernel does not list them; their peers
 * stand with the listener, SOCKQ_WITH_DETAILS.
 */
#define _GNU_SOURCE
#include <linux/unix_diag.h>
#include <string.h>
#include <sys/socket.h>

#include "sock_diag.h"
#include "unix_diag.h"

enum { ATTRIBUTES = UNIX_DIAG_UID + 1, LISTENS = 0x10000 };

static void ask(const struct table_reader *reader, struct nlmsghdr *header)
{
    struct unix_diag_req *request = mnl_nlmsg_put_extra_header(header, sizeof(*request));
    const uint32_t flags = reader->job->question->flags;

    request->sdiag_family = AF_UNIX;
    request->udiag_states = UINT32_MAX;
    request->udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN | UDIAG_SHOW_UID |
                          (flags & SOCKQ_WITH_DETAILS ? UDIAG_SHOW_VFS | UDIAG_SHOW_ICONS : 0u) |
                          (flags & SOCKQ_WITH_MEMORY ? UDIAG_SHOW_MEMINFO : 0u);
}

/* Whole numbers only: a last one that is cut short is none. */
static void take_waiting(struct sockq_writer *w, struct sockq_unix_diag *more,
                         const struct nlattr *attribute)
{
    const size_t count = attribute ? mnl_attr_get_payload_len(attribute) / sizeof(uint32_t) : 0;

    if (!attribute)
        return;
    more->has |= SOCKQ_DIAG_HAS_WAITING;
    more->waiting_count = (uint32_t)count;
    if (count)
        more->waiting =
            sockq_writer_bytes(w, mnl_attr_get_payload(attribute), count * sizeof(uint32_t));
}

static uint64_t take_more(struct table_reader *reader, const struct unix_diag_msg *message,
                          const struct nlattr *const attributes[])
{
    struct sockq_unix_diag more = {.cookie = diag_cookie(message->udiag_cookie),
                                   .has = SOCKQ_DIAG_HAS_COOKIE};
    const struct unix_diag_vfs *file = diag_payload(attributes[UNIX_DIAG_VFS], sizeof(*file));
    const uint8_t *shutdown = diag_payload(attributes[UNIX_DIAG_SHUTDOWN], sizeof(*shutdown));
    uint64_t offset;

    diag_number(attributes[UNIX_DIAG_PEER], &more.peer, sizeof(more.peer), &more.has,
                SOCKQ_DIAG_HAS_PEER);
    diag_number(attributes[UNIX_DIAG_UID], &more.uid, sizeof(more.uid), &more.has,
                SOCKQ_DIAG_HAS_UID);
    if (file) {
        more.vfs_inode = file->udiag_vfs_ino;
        more.vfs_dev = file->udiag_vfs_dev;
        more.has |= SOCKQ_DIAG_HAS_FILE;
    }
    if (shutdown) {
        more.shutdown = *shutdown;
        more.has |= SOCKQ_DIAG_HAS_UNIX_SHUTDOWN;
    }
    diag_memory(attributes[UNIX_DIAG_MEMINFO], &more.memory);
    take_waiting(reader->w, &more, attributes[UNIX_DIAG_ICONS]);
    struct sockq_unix_diag *kept = sockq_writer_alloc(reader->w, sizeof(more), &offset);
    if (!kept)
        return 0;
    *kept = more;
    return offset;
}

static void take_name(struct sockq_writer *w, struct sockq_row *row, const struct nlattr *attribute)
{
    char name[UNIX_NAME];
    const uint8_t length = attribute ? unix_diag_name(attribute, name) : 0;

    if (!length)
        return;
    row->un.path_len = length;
    row->un.path = sockq_writer_bytes(w, name, length);
}

static bool take(struct table_reader *reader, const struct nlmsghdr *header)
{
    const struct unix_diag_msg *message = mnl_nlmsg_get_payload(header);
    const struct nlattr *attributes[ATTRIBUTES];

    if (mnl_nlmsg_get_payload_len(header) < sizeof(*message))
        return false;
    if (message->udiag_family != AF_UNIX)
        return true;
    struct sockq_row *row = sockq_writer_row(reader->w);
    if (!row)
        return true;
    diag_attributes(header, sizeof(*message), attributes, ATTRIBUTES);
    const bool listens = message->udiag_state == SOCKQ_LISTEN;
    /* As the text has it (net/unix/af_unix.c, unix_seq_show). */
    *row = (struct sockq_row){.table = SOCKQ_UNIX,
                              .family = SOCKQ_AF_UNIX,
                              .state = message->udiag_state == SOCKQ_ESTABLISHED
                                           ? SOCKQ_SS_CONNECTED
                                           : SOCKQ_SS_UNCONNECTED,
                              .inode = message->udiag_ino,
                              .known = SOCKQ_HAS_STATE,
                              .flags = SOCKQ_ROW_DIAG,
                              .un = {.type = message->udiag_type, .flags = listens ? LISTENS : 0}};
    if (row->inode)
        row->known |= SOCKQ_HAS_INODE;
    const struct unix_diag_rqlen *queues =
        diag_payload(attributes[UNIX_DIAG_RQLEN], sizeof(*queues));
    if (queues) {
        row->recv_q = queues->udiag_rqueue;
        row->send_q = queues->udiag_wqueue;
        row->known |= SOCKQ_HAS_QUEUES;
    }
    diag_number(attributes[UNIX_DIAG_UID], &row->uid, sizeof(row->uid), &row->known, SOCKQ_HAS_UID);
    take_name(reader->w, row, attributes[UNIX_DIAG_NAME]);
    row->more = take_more(reader, message, attributes);
    reader->cookie = diag_cookie(message->udiag_cookie);
    table_push(reader, row);
    reader->cookie = 0;
    return true;
}

const struct diag_family diag_unix = {ask, take, 1};
