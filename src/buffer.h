/*
 * Text on its way out: a buffer that the formats in Lua fill, and hand on when it is full. Like
 * row.h this text is also read by LuaJIT's ffi.cdef. LuaJIT compiles calls by these pointers into
 * the loop over the rows, where it leaves loops over bytes and pattern matching to the interpreter.
 */
#ifndef SOCKQ_BUFFER_H
#define SOCKQ_BUFFER_H
#include <stdint.h>

/* Bytes up to `size`; `used` of them are written. `special` marks the bytes that need another way.
 */
struct sockq_buffer {
    const struct sockq_buffer_calls *calls;
    char *bytes;
    uint32_t used;
    uint32_t size;
    uint8_t special[256];
};

/*
 * What can be put. All return 1, or 0 without having written anything: where there is no room left,
 * and where it is said below. Lengths are in bytes; nothing ends in a zero byte.
 */
struct sockq_buffer_calls {
    /* Bytes as they are. */
    int (*raw)(struct sockq_buffer *buffer, const char *text, uint32_t length);
    /* A lead as it is, a text, and the byte `close` unless it is 0; 0 for a text with a special
     * byte. */
    int (*text)(struct sockq_buffer *buffer, const char *lead, uint32_t lead_length,
                const char *text, uint32_t length, char close);
    /* A lead as it is and a number that has at most two decimals, in its shortest form; 0 for
     * others. */
    int (*number)(struct sockq_buffer *buffer, const char *lead, uint32_t lead_length,
                  double number);
    /* Blanks, bytes as they are, blanks. */
    int (*padded)(struct sockq_buffer *buffer, uint32_t before, const char *text, uint32_t length,
                  uint32_t after);
    /* Nothing is put: 1 if no byte of a text is marked in an array like `special`, else 0. */
    int (*plain)(const uint8_t *special, const char *text, uint32_t length);
    /* Nothing is put: sockq_character() of character.h. */
    int (*character)(const char *text, uint32_t length);
};

/* The functions of buffer.c. */
extern const struct sockq_buffer_calls sockq_buffer_calls;
#endif
