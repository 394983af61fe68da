/*
 * The C library's name service.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <pwd.h>
#include <string.h>
#include <sys/socket.h>

#include "names.h"

enum { ENTRY_MOST = UINT8_MAX };

static void found(struct names_answer *answer, const char *name)
{
    const size_t length = name ? strnlen(name, sizeof(answer->text)) : 0;

    if (length == 0)
        return;
    memcpy(answer->text, name, length);
    answer->length = (uint32_t)length;
    answer->status = NAMES_FOUND;
}

static void resolve_host4(const struct names_question *question, struct names_answer *answer)
{
    struct in_addr address;

    memcpy(&address, question->address, sizeof(address));
    if (question->kind == NAMES_HOST4) {
        const struct hostent *host = gethostbyaddr(&address, sizeof(address), AF_INET);
        found(answer, host ? host->h_name : NULL);
    } else {
        const struct netent *net = getnetbyaddr(ntohl(address.s_addr), AF_INET);
        found(answer, net ? net->n_name : NULL);
    }
}

/* Where it has no name this gives the address again. */
static void resolve_host6(const struct names_question *question, struct names_answer *answer)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6};
    char host[NI_MAXHOST];

    memcpy(&address.sin6_addr, question->address, sizeof(address.sin6_addr));
    if (getnameinfo((const struct sockaddr *)&address, sizeof(address), host, sizeof(host), NULL, 0,
                    0) == 0)
        found(answer, host);
}

/* Entries are counted over all batches; those before `from` are known already. */
struct listing {
    struct names_answer *answer;
    uint32_t from;
    uint32_t count;
};

/* @return false: there is no room for it */
static bool list_name(struct listing *list, uint16_t number, const char *name)
{
    struct names_answer *answer = list->answer;
    const size_t length = strnlen(name, ENTRY_MOST);

    if (length == 0 || list->count++ < list->from)
        return true;
    if (3 + length > sizeof(answer->text) - answer->length) {
        answer->status = NAMES_SOME;
        answer->next = list->count - 1;
        return false;
    }
    char *p = answer->text + answer->length;
    p[0] = (char)(number & 0xff);
    p[1] = (char)(number >> 8);
    p[2] = (char)length;
    memcpy(p + 3, name, length);
    answer->length += (uint32_t)(3 + length);
    return true;
}

static bool list_services(struct listing *list, const char *protocol, bool aliases)
{
    const struct servent *service;
    bool more = true;

    setservent(1);
    while (more && (service = getservent()) != NULL) {
        if (strcmp(service->s_proto, protocol) != 0)
            continue;
        const uint16_t port = ntohs((uint16_t)service->s_port);
        more = list_name(list, port, service->s_name);
        for (char **alias = service->s_aliases; aliases && more && *alias; alias++)
            more = list_name(list, port, *alias);
    }
    endservent();
    return more;
}

static void list_protocols(struct listing *list)
{
    const struct protoent *entry;
    bool more = true;

    setprotoent(1);
    while (more && (entry = getprotoent()) != NULL)
        more = list_name(list, (uint16_t)entry->p_proto, entry->p_name);
    endprotoent();
}

/* All entries in their order, as get_sname of netstat (net-tools 2.10) reads them: for raw sockets
 * the names of /etc/protocols as well. */
static void resolve_services(const struct names_question *question, struct names_answer *answer)
{
    static const char *const protocols[] = {
        [NAMES_TCP] = "tcp", [NAMES_UDP] = "udp", [NAMES_SCTP] = "sctp", [NAMES_RAW] = "raw"};
    struct listing list = {.answer = answer, .from = question->from};

    answer->status = NAMES_LAST;
    if (list_services(&list, protocols[question->number], question->kind == NAMES_ALIASES) &&
        question->number == NAMES_RAW)
        list_protocols(&list);
}

/* As ss asks: by family, and for every address that one has. */
void names_addresses(const char *host, struct names_answer *answer)
{
    static const int families[] = {AF_INET, AF_INET6};

    for (size_t i = 0; i < 2; i++) {
        const struct hostent *entry = gethostbyname2(host, families[i]);
        const size_t size = families[i] == AF_INET ? 4 : 16;
        if (!entry || entry->h_addrtype != families[i] || (size_t)entry->h_length != size)
            continue;
        for (char **address = entry->h_addr_list; *address; address++) {
            if (answer->length + NAMES_ADDRESS > sizeof(answer->text))
                return;
            answer->text[answer->length] = families[i] == AF_INET ? 4 : 6;
            memcpy(answer->text + answer->length + 1, *address, size);
            answer->length += NAMES_ADDRESS;
            answer->status = NAMES_FOUND;
        }
    }
}

void names_resolve(const struct names_question *question, struct names_answer *answer)
{
    const struct passwd *user;
    char device[IF_NAMESIZE];

    *answer = (struct names_answer){.magic = question->magic,
                                    .version = question->version,
                                    .kind = question->kind,
                                    .serial = question->serial};
    switch (question->kind) {
    case NAMES_USER:
        user = getpwuid((uid_t)question->number);
        found(answer, user ? user->pw_name : NULL);
        break;
    case NAMES_DEVICE:
        found(answer, if_indextoname(question->number, device));
        break;
    case NAMES_HOST4:
    case NAMES_NETWORK4:
        resolve_host4(question, answer);
        break;
    case NAMES_HOST6:
        resolve_host6(question, answer);
        break;
    case NAMES_ADDRESSES:
        break;
    default:
        resolve_services(question, answer);
    }
}
