#include "copier.h"

#include <string.h>

bool copier_flawed(struct copier *c, enum sockq_flaw flaw)
{
    if (!c->flaw)
        c->flaw = flaw;
    return false;
}

bool copier_goes_on(const struct copier *c)
{
    return !c->flaw && !c->w->error;
}

const void *copier_bytes_at(struct copier *c, uint64_t offset, uint64_t size)
{
    const struct sockq_source *source = c->source;
    const void *at = NULL;

    if (source->base)
        at = sockq_set_at(source->base, source->set, offset, size);
    else if (offset != 0 && offset <= source->set->arena && size <= source->set->arena - offset)
        at = source->arena + offset;
    if (!at)
        copier_flawed(c, SOCKQ_FLAW_OFFSET);
    return at;
}

const void *copier_new_at(struct copier *c, uint64_t offset, size_t size, uint64_t **mark)
{
    const void *at = offset % KINDS == 0 ? copier_bytes_at(c, offset, size) : NULL;

    if (!at) {
        copier_flawed(c, SOCKQ_FLAW_OFFSET);
        return NULL;
    }
    *mark = &c->moved[offset / KINDS];
    if (**mark != FREE) {
        copier_flawed(c, SOCKQ_FLAW_CHAIN);
        return NULL;
    }
    return at;
}

uint64_t copier_text(struct copier *c, uint64_t offset, uint32_t length)
{
    if (offset == 0 && length > 0)
        copier_flawed(c, SOCKQ_FLAW_OFFSET);
    if (offset == 0)
        return 0;
    const void *bytes = copier_bytes_at(c, offset, length);
    if (!bytes)
        return 0;
    if (length > c->text_left || length > SOCKQ_BLOCK_SIZE - 8) {
        copier_flawed(c, SOCKQ_FLAW_CHAIN);
        return 0;
    }
    c->text_left -= length;
    return sockq_writer_bytes(c->w, bytes, length);
}

/* Each member that is an offset must be met nowhere else, so that what is copied is bounded. */
static const void *single(struct copier *c, uint64_t offset, size_t size)
{
    uint64_t *mark;
    const void *at = copier_new_at(c, offset, size, &mark);

    if (at)
        *mark = SINGLE;
    return at;
}

static uint64_t keep(struct copier *c, const void *bytes, size_t size)
{
    uint64_t to;
    void *kept = copier_goes_on(c) ? sockq_writer_alloc(c->w, size, &to) : NULL;

    if (!kept)
        return 0;
    memcpy(kept, bytes, size);
    return to;
}

static uint64_t copy_inet(struct copier *c, uint64_t offset)
{
    const struct sockq_diag *from = single(c, offset, sizeof(*from));

    if (!from)
        return 0;
    struct sockq_diag copy = *from;
    copy.info = copier_text(c, copy.info, copy.info_len);
    copy.ulp = copier_text(c, copy.ulp, copy.ulp_len);
    copy.md5sig = copier_text(c, copy.md5sig, copy.md5sig_len);
    if (copy.cc[sizeof(copy.cc) - 1])
        copier_flawed(c, SOCKQ_FLAW_ROW);
    return keep(c, &copy, sizeof(copy));
}

static uint64_t copy_unix(struct copier *c, uint64_t offset)
{
    const struct sockq_unix_diag *from = single(c, offset, sizeof(*from));

    if (!from)
        return 0;
    struct sockq_unix_diag copy = *from;
    if (copy.waiting_count > SOCKQ_BLOCK_SIZE / sizeof(uint32_t))
        copier_flawed(c, SOCKQ_FLAW_ROW);
    else
        copy.waiting =
            copier_text(c, copy.waiting, copy.waiting_count * (uint32_t)sizeof(uint32_t));
    return keep(c, &copy, sizeof(copy));
}

/* What has no offset in it. */
static uint64_t keep_whole(struct copier *c, uint64_t offset, size_t size)
{
    const void *from = single(c, offset, size);

    return from ? keep(c, from, size) : 0;
}

static uint64_t copy_packet(struct copier *c, uint64_t offset)
{
    const struct sockq_packet_diag *from = single(c, offset, sizeof(*from));

    if (!from)
        return 0;
    struct sockq_packet_diag copy = *from;
    copy.filter = copier_text(c, copy.filter, copy.filter_len);
    return keep(c, &copy, sizeof(copy));
}

void copier_diag(struct copier *c, const struct sockq_row *row, struct sockq_row *copy)
{
    /* Of these there is no text: what such a row has there leads anywhere. */
    if (!(row->flags & SOCKQ_ROW_DIAG)) {
        if (row->table == SOCKQ_TIPC || row->table == SOCKQ_XDP)
            copy->more = 0;
        return;
    }
    switch (row->table) {
    case SOCKQ_UNIX:
        copy->more = row->more ? copy_unix(c, row->more) : 0;
        break;
    case SOCKQ_NETLINK:
        copy->more = row->more ? keep_whole(c, row->more, sizeof(struct sockq_netlink_diag)) : 0;
        break;
    case SOCKQ_PACKET:
        copy->more = row->more ? copy_packet(c, row->more) : 0;
        break;
    case SOCKQ_VSOCK:
        break;
    case SOCKQ_TIPC:
        copy->more = row->more ? keep_whole(c, row->more, sizeof(struct sockq_tipc_diag)) : 0;
        break;
    case SOCKQ_XDP:
        copy->more = row->more ? keep_whole(c, row->more, sizeof(struct sockq_xdp_diag)) : 0;
        break;
    default:
        copy->diag.more = row->diag.more ? copy_inet(c, row->diag.more) : 0;
        break;
    }
}

void copier_cgroups(struct copier *c)
{
    uint64_t offset = c->source->set->cgroups, *link = &c->w->set->cgroups;

    if (!(c->question->flags & SOCKQ_WITH_CGROUP_PATHS))
        return;
    while (offset && copier_goes_on(c)) {
        const struct sockq_cgroup *from = single(c, offset, sizeof(*from));
        uint64_t to;
        if (!from)
            return;
        struct sockq_cgroup copy = {.id = from->id, .path_len = from->path_len};
        copy.path = copier_text(c, from->path, from->path_len);
        struct sockq_cgroup *kept = sockq_writer_alloc(c->w, sizeof(copy), &to);
        if (!kept)
            return;
        *kept = copy;
        *link = to;
        link = &kept->next;
        offset = from->next;
    }
}
