/*
 * Threads of the collector: they read, and leave the signals to the thread that collects, which
 * alone supervises the interpreter.
 */
#ifndef SOCKQ_THREAD_H
#define SOCKQ_THREAD_H
#include <pthread.h>

/**
 * How many processors this process may use.
 *
 * @most    where there are more, and where it cannot be told
 * @return  1 to `most`
 */
unsigned sockq_processors(unsigned most);

/**
 * Start a thread in which all signals are blocked.
 *
 * @attributes  NULL for the default ones
 * @return      0, or an error number as pthread_create gives it
 */
int sockq_thread_start(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                       void *context);

#endif
