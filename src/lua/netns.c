/*
 * Network namespaces as the command line names them, and the names that there are.
 */
#include <string.h>

#include "lua.h"

/* Lua: core.netns_names() → { name, … }: of the network namespaces of this machine, where the
 * program has looked for them: for completion, and where a name is unknown */
static int l_netns_names(lua_State *L)
{
    const struct netns_names *names = sockq_lua_program ? sockq_lua_program->netns_names : NULL;

    lua_newtable(L);
    for (size_t i = 0; names && i < names->count; i++) {
        lua_pushstring(L, names->list[i].name);
        lua_rawseti(L, -2, (int)i + 1);
    }
    return 1;
}

/*
 * Lua: core.netns() → { several, by_view, refused, word, error } of --netns, or of a view's own
 * option: whether it names more than one; what is wrong, with which word, and errno's text; nil if
 * it was not given
 */
static int l_netns(lua_State *L)
{
    static const char *const refusals[] = {
        [NETNS_EMPTY] = "empty",           [NETNS_NO_PROCESS] = "no process",
        [NETNS_NO_NAME] = "no name",       [NETNS_NO_FILE] = "no file",
        [NETNS_OTHER_FILE] = "other file", [NETNS_NOT_LIVE] = "not live",
        [NETNS_UNREAD] = "unread"};
    const struct netns_choice *choice = sockq_lua_program ? sockq_lua_program->netns : NULL;

    if (!choice || !choice->asked)
        return 0;
    lua_createtable(L, 0, 5);
    lua_pushboolean(L, sockq_lua_program->ss && sockq_lua_program->ss->netns &&
                           !sockq_options_has(sockq_lua_program->options, "netns"));
    lua_setfield(L, -2, "by_view");
    lua_pushboolean(L, choice->all || choice->count > 1);
    lua_setfield(L, -2, "several");
    if (choice->refusal != NETNS_FINE) {
        lua_pushstring(L, refusals[choice->refusal]);
        lua_setfield(L, -2, "refused");
        lua_pushstring(L, choice->word);
        lua_setfield(L, -2, "word");
        lua_pushstring(L, strerror(choice->error));
        lua_setfield(L, -2, "error");
    }
    return 1;
}

void sockq_lua_open_netns(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"netns", l_netns}, {"netns_names", l_netns_names}, {NULL, NULL}};

    luaL_register(L, NULL, functions);
}
