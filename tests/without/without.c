/*
 * without CALL[:ARGUMENT]=ERRNO ... -- PROGRAM [ARGS]: run a program on a kernel that lacks system
 * calls, for the tests. ARGUMENT: only where the first argument is this number. "mprotect:exec":
 * only where memory would become executable.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int usage(const char *word)
{
    fprintf(stderr, "without: %s: give CALL[:ARGUMENT]=ERRNO\n", word);
    return 2;
}

static int forbid(scmp_filter_ctx filter, char *word)
{
    char *equals = strchr(word, '='), *colon = strchr(word, ':');

    if (!equals)
        return usage(word);
    *equals = '\0';
    if (colon)
        *colon = '\0';
    int call = seccomp_syscall_resolve_name(word);
    if (call == __NR_SCMP_ERROR)
        return usage(word);
    const uint32_t action = SCMP_ACT_ERRNO((uint32_t)atoi(equals + 1));
    int result;
    if (colon && strcmp(colon + 1, "exec") == 0)
        result = seccomp_rule_add(filter, action, call, 1,
                                  SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
    else if (colon)
        result =
            seccomp_rule_add(filter, action, call, 1,
                             SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)strtoull(colon + 1, NULL, 0), 0));
    else
        result = seccomp_rule_add(filter, action, call, 0);
    return result < 0 ? usage(word) : 0;
}

int main(int argc, char **argv)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int i = 1;

    if (!filter)
        return 2;
    for (; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (forbid(filter, argv[i]) != 0)
            return 2;
    if (i + 1 >= argc)
        return usage("--");
    if (seccomp_load(filter) < 0) {
        fprintf(stderr, "without: this kernel has no filters\n");
        return 77;
    }
    seccomp_release(filter);
    execvp(argv[i + 1], argv + i + 1);
    fprintf(stderr, "without: %s: %s\n", argv[i + 1], strerror(errno));
    return 127;
}
