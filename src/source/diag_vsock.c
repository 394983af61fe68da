/*
 * Rows of vsock, the sockets between virtual machines and their host (net/vmw_vsock/diag.c).
 */
#define _GNU_SOURCE
#include <linux/vm_sockets_diag.h>
#include <sys/socket.h>

#include "sock_diag.h"

static void ask(const struct table_reader *reader, struct nlmsghdr *header)
{
    struct vsock_diag_req *request = mnl_nlmsg_put_extra_header(header, sizeof(*request));

    request->sdiag_family = AF_VSOCK;
    request->vdiag_states = reader->states ? (uint32_t)reader->states : UINT32_MAX;
}

static bool take(struct table_reader *reader, const struct nlmsghdr *header)
{
    const struct vsock_diag_msg *message = mnl_nlmsg_get_payload(header);

    if (mnl_nlmsg_get_payload_len(header) < sizeof(*message))
        return false;
    if (message->vdiag_family != AF_VSOCK)
        return true;
    struct sockq_row *row = sockq_writer_row(reader->w);
    if (!row)
        return true;
    *row = (struct sockq_row){.table = SOCKQ_VSOCK,
                              .family = SOCKQ_AF_VSOCK,
                              .state = message->vdiag_state,
                              .inode = message->vdiag_ino,
                              .known = SOCKQ_HAS_STATE,
                              .flags = SOCKQ_ROW_DIAG,
                              .vsock = {.local_cid = message->vdiag_src_cid,
                                        .local_port = message->vdiag_src_port,
                                        .remote_cid = message->vdiag_dst_cid,
                                        .remote_port = message->vdiag_dst_port,
                                        .type = message->vdiag_type,
                                        .shutdown = message->vdiag_shutdown}};
    if (row->inode)
        row->known |= SOCKQ_HAS_INODE;
    table_push(reader, row);
    return true;
}

const struct diag_family diag_vsock = {ask, take, 1};
