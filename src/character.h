/*
 * Which characters may be shown: the one definition for all that is written.
 *
 * Names are chosen by whoever owns the process. What could command a terminal, end a line, turn the
 * order of what follows or be there without being seen is escaped; so are bytes that are no UTF-8.
 */
#ifndef SOCKQ_CHARACTER_H
#define SOCKQ_CHARACTER_H
#include <stdint.h>

/**
 * The character that begins a text of at least one byte.
 *
 * Not to be shown are C0, DEL and C1; the line and paragraph separators (U+2028, U+2029); and what
 * Unicode 15.1 lists as Default_Ignorable_Code_Point or Bidi_Control, with the interlinear
 * annotations (U+FFF9 to U+FFFB): overrides, isolates and marks of direction, what joins or has no
 * width, fillers, variation selectors, tags.
 *
 * @return  its bytes, 1 to 4, if it may be shown; the same less than 0 if not; 0: the first byte
 *          is not UTF-8 (RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF)
 */
int sockq_character(const char *text, uint32_t length);

#endif
