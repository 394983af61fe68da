/*
 * What a question and an answer may hold.
 */
#include <string.h>

#include "names.h"

static const uint32_t MAGIC = 0x736f716eu;
enum { VERSION = 1, SERVICES_MOST = 1 << 20, ENTRY_HEAD = 3 };

_Static_assert(sizeof(struct names_question) == 40, "questions have one size");
_Static_assert(sizeof(struct names_answer) == 4096, "answers have one size");

struct names_question names_question_new(enum names_kind kind, uint32_t serial)
{
    return (struct names_question){
        .magic = MAGIC, .version = VERSION, .kind = (uint16_t)kind, .serial = serial};
}

static bool is_zero(const void *bytes, size_t size)
{
    const unsigned char *p = bytes;

    for (size_t i = 0; i < size; i++)
        if (p[i])
            return false;
    return true;
}

bool names_question_valid(const struct names_question *q, size_t length)
{
    if (length != sizeof(*q) || q->magic != MAGIC || q->version != VERSION || q->reserved != 0)
        return false;
    switch (q->kind) {
    case NAMES_USER:
    case NAMES_DEVICE:
    case NAMES_ADDRESSES:
        return q->from == 0 && is_zero(q->address, sizeof(q->address));
    case NAMES_HOST4:
    case NAMES_NETWORK4:
        return q->from == 0 && q->number == 0 && is_zero(q->address + 4, sizeof(q->address) - 4);
    case NAMES_HOST6:
        return q->from == 0 && q->number == 0;
    case NAMES_SERVICES:
    case NAMES_ALIASES:
        return q->number < (q->kind == NAMES_SERVICES ? NAMES_PROTOCOLS : NAMES_SCTP) &&
               q->from <= SERVICES_MOST && is_zero(q->address, sizeof(q->address));
    default:
        return false;
    }
}

bool names_entry(const struct names_answer *answer, uint32_t *at, uint16_t *number,
                 const char **name, size_t *length)
{
    const unsigned char *p = (const unsigned char *)answer->text + *at;

    if (*at >= answer->length || answer->length - *at < ENTRY_HEAD)
        return false;
    *number = (uint16_t)(p[0] | p[1] << 8);
    *length = p[2];
    if (*length == 0 || *length > answer->length - *at - ENTRY_HEAD)
        return false;
    *name = answer->text + *at + ENTRY_HEAD;
    *at += (uint32_t)(ENTRY_HEAD + *length);
    return true;
}

static bool entries_valid(const struct names_answer *answer)
{
    uint32_t at = 0;
    uint16_t number;
    const char *name;
    size_t length;

    while (names_entry(answer, &at, &number, &name, &length))
        if (memchr(name, '\0', length))
            return false;
    return at == answer->length;
}

static bool addresses_valid(const struct names_answer *answer)
{
    for (uint32_t at = 0; at + NAMES_ADDRESS <= answer->length; at += NAMES_ADDRESS) {
        const char *one = answer->text + at;
        if (one[0] != 6 && (one[0] != 4 || !is_zero(one + 5, NAMES_ADDRESS - 5)))
            return false;
    }
    return answer->length % NAMES_ADDRESS == 0;
}

bool names_answer_valid(const struct names_answer *a, size_t length, const struct names_question *q)
{
    const bool lists = q->kind == NAMES_SERVICES || q->kind == NAMES_ALIASES;

    if (length != sizeof(*a) || a->magic != MAGIC || a->version != VERSION || a->kind != q->kind ||
        a->length > sizeof(a->text) || !is_zero(a->text + a->length, sizeof(a->text) - a->length))
        return false;
    switch (a->status) {
    case NAMES_UNKNOWN:
        return a->length == 0 && a->next == 0;
    case NAMES_FOUND:
        return !lists && a->next == 0 && a->length > 0 &&
               (q->kind == NAMES_ADDRESSES ? addresses_valid(a)
                                           : !memchr(a->text, '\0', a->length));
    case NAMES_SOME:
        return lists && a->next > q->from && a->next <= SERVICES_MOST && entries_valid(a);
    case NAMES_LAST:
        return lists && a->next == 0 && entries_valid(a);
    default:
        return false;
    }
}
