/*
 * Messages to standard error from outside Lua: one line each, "sockq: WHERE: WHAT", fit for a
 * terminal whatever the words of the command line hold. cli.lua does the same for Lua.
 */
#ifndef SOCKQ_DIAG_H
#define SOCKQ_DIAG_H

/**
 * Write one message. Control bytes and what is surely no UTF-8 are written as \xNN.
 *
 * @where  a file, an option, a step; NULL if the message tells it
 * @what   what is wrong and what to do, lower case, no full stop
 */
void sockq_complain(const char *where, const char *what);

#endif
