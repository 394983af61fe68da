#define _GNU_SOURCE
#include "inject.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lua/lua.h"

struct inject_world inject_world;

static void all(void)
{
    inject_files();
    inject_names();
    inject_memory();
    inject_processes();
    inject_rights();
    inject_machine();
}

bool inject_wanted(const char *name, const char *want)
{
    if (strcmp(inject_world.wanted, "list") == 0) {
        printf("%s %s\n", name, want);
        return false;
    }
    return strcmp(inject_world.wanted, name) == 0;
}

void inject_tell(long result)
{
    char text[64];
    int length =
        snprintf(text, sizeof(text), "%d %d\n", result < 0 ? -1 : 0, result < 0 ? errno : 0);

    if (write(STDOUT_FILENO, text, (size_t)length) != length)
        _exit(9);
    _exit(7);
}

/* Before main: the environment is blank later. */
__attribute__((constructor)) static void begin(void)
{
    const char *wanted = getenv("SOCKQ_INJECT"), *folder = getenv("SOCKQ_INJECT_DIR");
    const char *foreign = getenv("SOCKQ_INJECT_PID");

    inject_world.wanted = strdup(wanted ? wanted : "");
    inject_world.folder = strdup(folder ? folder : "/nonexistent");
    inject_world.foreign = foreign ? (pid_t)atol(foreign) : getppid();
    if (!inject_world.wanted || !inject_world.folder)
        _exit(9);
    snprintf(inject_world.victim, sizeof(inject_world.victim), "%s/victim", inject_world.folder);
    snprintf(inject_world.fresh, sizeof(inject_world.fresh), "%s/fresh", inject_world.folder);
    if (strcmp(inject_world.wanted, "list") == 0) {
        all();
        fflush(stdout);
        _exit(0);
    }
}

void sockq_test_inject(void)
{
    inject_world.rows = (void *)(uintptr_t)sockq_lua_program->map;
    inject_world.socket = sockq_lua_program->socket;
    if (inject_world.wanted[0])
        all();
}
