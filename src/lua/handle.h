/*
 * The payloads of the userdata that Lua sees. Like row.h this text is also read by LuaJIT's
 * ffi.cdef: Lua code casts a userdata to its handle and reads rows without a call into C.
 */
#ifndef SOCKQ_LUA_HANDLE_H
#define SOCKQ_LUA_HANDLE_H
#include <stdint.h>

/* Userdata "sockq.set": a row set, released when it is collected; serial: no other set has had
   it. */
struct sockq_set_handle {
    const struct sockq_set *set;
    const uint8_t *map;
    void *client;
    uint32_t block;
    uint32_t serial;
};

/* Userdata "sockq.row": row is null in a cursor outside of the call that it was lent to. */
struct sockq_row_handle {
    const struct sockq_row *row;
    const struct sockq_set_handle *set;
};
#endif
