/*
 * Names for numbers. In the program the process for names is asked; in a stock luajit the C
 * library, here.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "../diag.h"
#include "../names/names.h"
#include "lua.h"

/* Ctrl-C and time limits set a hook, which stops Lua as soon as it goes on. */
static bool is_stopped(void *context)
{
    return lua_gethook(context) != NULL;
}

bool sockq_lua_ask_names(lua_State *L, struct names_question *question, struct names_answer *answer)
{
    struct names_client *client = sockq_lua_program ? sockq_lua_program->names : NULL;

    if (!sockq_lua_program) {
        names_resolve(question, answer);
        return true;
    }
    const bool lost = client->lost;
    if (names_ask(client, question, answer, is_stopped, L) == 0)
        return true;
    if (client->lost && !lost) {
        sockq_lua_erase_line();
        sockq_complain("names", "the process that looks up names has ended; numbers are shown");
    }
    return false;
}

/* [-0, +1, m] The name that is the answer, and 1; or 0. */
static int push_name(lua_State *L, struct names_question *question)
{
    struct names_answer answer;

    if (!sockq_lua_ask_names(L, question, &answer) || answer.status != NAMES_FOUND)
        return 0;
    lua_pushlstring(L, answer.text, answer.length);
    return 1;
}

/* A number as the kernel has it: 32 bits. */
static uint32_t check_number(lua_State *L)
{
    const lua_Number number = luaL_checknumber(L, 1);

    if (!(number >= 0 && number <= UINT32_MAX))
        luaL_argerror(L, 1, "a number of 32 bits");
    return (uint32_t)number;
}

/* Lua: core.user(uid) → name of the first entry with that uid, or nil */
static int l_user(lua_State *L)
{
    struct names_question question = names_question_new(NAMES_USER, 0);

    question.number = check_number(L);
    return push_name(L, &question);
}

static const char *const protocols[NAMES_PROTOCOLS + 1] = {
    [NAMES_TCP] = "tcp", [NAMES_UDP] = "udp", [NAMES_SCTP] = "sctp", [NAMES_RAW] = "raw"};

/* Lua: core.services("tcp", "udp", "sctp" or "raw") → { [port] = official name }; where a port
 * stands twice the later entry counts. For "raw" the names of /etc/protocols as well. */
static int l_services(lua_State *L)
{
    struct names_question question = names_question_new(NAMES_SERVICES, 0);
    struct names_answer answer;
    uint16_t number;
    const char *name;
    size_t length;

    question.number = (uint32_t)luaL_checkoption(L, 1, NULL, protocols);
    lua_newtable(L);
    do {
        uint32_t at = 0;
        if (!sockq_lua_ask_names(L, &question, &answer))
            break;
        while (names_entry(&answer, &at, &number, &name, &length)) {
            lua_pushlstring(L, name, length);
            lua_rawseti(L, -2, number);
        }
        question.from = answer.next;
    } while (answer.status == NAMES_SOME);
    return 1;
}

/* The port of the first service that has this name. @return -1: none has */
static int find_port(lua_State *L, enum names_protocol protocol, const char *wanted, size_t size)
{
    struct names_question question = names_question_new(NAMES_ALIASES, 0);
    struct names_answer answer;
    uint16_t number;
    const char *name;
    size_t length;

    question.number = protocol;
    do {
        uint32_t at = 0;
        if (!sockq_lua_ask_names(L, &question, &answer))
            break;
        while (names_entry(&answer, &at, &number, &name, &length))
            if (length == size && memcmp(name, wanted, size) == 0)
                return number;
        question.from = answer.next;
    } while (answer.status == NAMES_SOME);
    return -1;
}

/* Lua: core.port(service, protocol) → port of that name or alias, or nil; protocol "tcp" or "udp";
 * without one TCP's before UDP's */
static int l_port(lua_State *L)
{
    size_t size;
    const char *name = luaL_checklstring(L, 1, &size);
    const char *protocol = luaL_optstring(L, 2, NULL);
    int port = -1;

    if (!protocol || strcmp(protocol, "tcp") == 0)
        port = find_port(L, NAMES_TCP, name, size);
    if (port < 0 && (!protocol || strcmp(protocol, "udp") == 0))
        port = find_port(L, NAMES_UDP, name, size);
    if (port < 0)
        return 0;
    lua_pushinteger(L, port);
    return 1;
}

static int push_host(lua_State *L, enum names_kind kind, int family)
{
    struct names_question question = names_question_new(kind, 0);

    if (inet_pton(family, luaL_checkstring(L, 1), question.address) != 1)
        return luaL_argerror(L, 1, family == AF_INET ? "no IPv4 address" : "no IPv6 address");
    return push_name(L, &question);
}

/* Lua: core.host4(address) → host name of a dotted address, or nil */
static int l_host4(lua_State *L)
{
    return push_host(L, NAMES_HOST4, AF_INET);
}

/* Lua: core.network4(address) → network name of a dotted address, or nil */
static int l_network4(lua_State *L)
{
    return push_host(L, NAMES_NETWORK4, AF_INET);
}

/* Lua: core.host6(address) → host name, or the address again where it has none, or nil */
static int l_host6(lua_State *L)
{
    return push_host(L, NAMES_HOST6, AF_INET6);
}

/* Lua: core.device(ifindex) → name of this machine's network device, or nil */
static int l_device(lua_State *L)
{
    struct names_question question = names_question_new(NAMES_DEVICE, 0);

    question.number = check_number(L);
    return push_name(L, &question);
}

void sockq_lua_open_names(lua_State *L)
{
    static const luaL_Reg functions[] = {{"user", l_user},         {"services", l_services},
                                         {"port", l_port},         {"host4", l_host4},
                                         {"network4", l_network4}, {"host6", l_host6},
                                         {"device", l_device},     {NULL, NULL}};

    luaL_register(L, NULL, functions);
}
