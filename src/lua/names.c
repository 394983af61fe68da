/*
 * Names for numbers, from the C library's name service. Every question is a kind and a number or
 * an address, every answer one text, so that a process of its own can take this over.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <pwd.h>
#include <string.h>
#include <sys/socket.h>

#include "lua.h"

/* Lua: core.user(uid) → name of the first entry with that uid, or nil */
static int l_user(lua_State *L)
{
    const struct passwd *entry = getpwuid((uid_t)luaL_checknumber(L, 1));

    if (!entry)
        return 0;
    lua_pushstring(L, entry->pw_name);
    return 1;
}

/*
 * Lua: core.services(protocol) → { [port] = official name }; where a port stands twice the later
 * entry counts, as in net-tools' lib/hw… get_sname table (lib/inet_gr.c order). For "raw" the
 * names of /etc/protocols as well.
 */
static int l_services(lua_State *L)
{
    const char *protocol = luaL_checkstring(L, 1);
    const struct servent *service;
    const struct protoent *entry;

    lua_newtable(L);
    setservent(1);
    while ((service = getservent()) != NULL) {
        if (strcmp(service->s_proto, protocol) != 0)
            continue;
        lua_pushstring(L, service->s_name);
        lua_rawseti(L, -2, ntohs((uint16_t)service->s_port));
    }
    endservent();
    if (strcmp(protocol, "raw") != 0)
        return 1;
    setprotoent(1);
    while ((entry = getprotoent()) != NULL) {
        lua_pushstring(L, entry->p_name);
        lua_rawseti(L, -2, entry->p_proto);
    }
    endprotoent();
    return 1;
}

/* Lua: core.port(service) → port of that name or alias, TCP's before UDP's, or nil */
static int l_port(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    const struct servent *service = getservbyname(name, "tcp");

    if (!service)
        service = getservbyname(name, "udp");
    if (!service)
        return 0;
    lua_pushinteger(L, ntohs((uint16_t)service->s_port));
    return 1;
}

/* Lua: core.host4(address) → host name of a dotted address, or nil */
static int l_host4(lua_State *L)
{
    struct in_addr address;

    if (inet_pton(AF_INET, luaL_checkstring(L, 1), &address) != 1)
        return luaL_argerror(L, 1, "no IPv4 address");
    const struct hostent *host = gethostbyaddr(&address, sizeof(address), AF_INET);
    if (!host)
        return 0;
    lua_pushstring(L, host->h_name);
    return 1;
}

/* Lua: core.network4(address) → network name of a dotted address, or nil */
static int l_network4(lua_State *L)
{
    struct in_addr address;

    if (inet_pton(AF_INET, luaL_checkstring(L, 1), &address) != 1)
        return luaL_argerror(L, 1, "no IPv4 address");
    const struct netent *net = getnetbyaddr(ntohl(address.s_addr), AF_INET);
    if (!net)
        return 0;
    lua_pushstring(L, net->n_name);
    return 1;
}

/* Lua: core.host6(address) → host name, or the address again where it has none */
static int l_host6(lua_State *L)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6};
    char host[NI_MAXHOST];

    if (inet_pton(AF_INET6, luaL_checkstring(L, 1), &address.sin6_addr) != 1)
        return luaL_argerror(L, 1, "no IPv6 address");
    if (getnameinfo((const struct sockaddr *)&address, sizeof(address), host, sizeof(host), NULL, 0,
                    0) != 0)
        return 0;
    lua_pushstring(L, host);
    return 1;
}

/* Lua: core.device(ifindex) → name of this machine's network device, or nil */
static int l_device(lua_State *L)
{
    char name[IF_NAMESIZE];

    if (!if_indextoname((unsigned)luaL_checkinteger(L, 1), name))
        return 0;
    lua_pushstring(L, name);
    return 1;
}

void sockq_lua_open_names(lua_State *L)
{
    static const luaL_Reg functions[] = {{"user", l_user},         {"services", l_services},
                                         {"port", l_port},         {"host4", l_host4},
                                         {"network4", l_network4}, {"host6", l_host6},
                                         {"device", l_device},     {NULL, NULL}};

    luaL_register(L, NULL, functions);
}
