/* Options, signals, child processes, the command that runs inside, and the end of it all. */
#include "sockets.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    MAX_CHILDREN = 1024,
    MAX_FILES = 32,
    MAX_PATH = 128,
    STATES_SECONDS = 120,
    LOAD_SECONDS = 900
};

static const char usage[] =
    "usage: sockets [--timeout SECONDS] [--load N] [-- COMMAND [ARGUMENT...]]\n"
    "Makes sockets of every state (or N sockets of connected TCP pairs) in a network namespace\n"
    "of its own. Alone: prints the list of them and \"ready\", and holds them until the end of\n"
    "standard input. With a command: runs it inside, the list in the file $SOCKETS_LIST, and\n"
    "returns its status. 77: namespaces are not permitted. 124: out of time.\n";

/* What the signal handler needs, so only ever appended to. */
static pid_t main_pid;
static volatile pid_t command_pid;
static pid_t children[MAX_CHILDREN];
static volatile sig_atomic_t child_count;
static char files[MAX_FILES][MAX_PATH];
static volatile sig_atomic_t file_count;
static char directory[MAX_PATH / 2];

/* Safe in a signal handler. */
static void clean_up(void)
{
    if (getpid() != main_pid)
        return;
    if (command_pid > 0) {
        kill(-command_pid, SIGKILL); /* its group, if it has one of its own */
        kill(command_pid, SIGKILL);
    }
    for (int i = 0; i < child_count; i++)
        kill(children[i], SIGKILL);
    for (int i = 0; i < child_count; i++)
        waitpid(children[i], NULL, 0);
    if (command_pid > 0)
        waitpid(command_pid, NULL, 0);
    child_count = 0;
    command_pid = 0;
    for (int i = 0; i < file_count; i++)
        unlink(files[i]);
    if (directory[0] != '\0')
        rmdir(directory);
}

static void on_signal(int number)
{
    static const char late[] = "sockets: out of time\n";
    if (number == SIGALRM && getpid() == main_pid &&
        write(STDERR_FILENO, late, sizeof late - 1) < 0)
        _exit(124);
    clean_up();
    _exit(number == SIGALRM ? 124 : 128 + number);
}

static void catch_signals(void)
{
    static const int numbers[] = {SIGALRM, SIGHUP, SIGINT, SIGPIPE, SIGTERM};
    struct sigaction action = {.sa_handler = on_signal};
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaction(numbers[i], &action, NULL);
}

_Noreturn void die(const char *what)
{
    fprintf(stderr, "sockets: %s: %s\n", what, strerror(errno));
    clean_up();
    if (getpid() != main_pid)
        _exit(1);
    exit(1);
}

pid_t spawn(void)
{
    if (child_count == MAX_CHILDREN) {
        errno = EAGAIN;
        die("fork");
    }
    pid_t child = fork();
    if (child < 0)
        die("fork");
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != main_pid)
            _exit(1);
        return 0;
    }
    children[child_count] = child;
    child_count = child_count + 1;
    return child;
}

void forget_later(const char *path)
{
    if (file_count == MAX_FILES) {
        errno = ENOSPC;
        die(path);
    }
    snprintf(files[file_count], sizeof files[0], "%s", path);
    file_count = file_count + 1;
}

/* Always /tmp: a name of a unix socket has 107 bytes at most, and $TMPDIR may be long. */
const char *scratch(void)
{
    if (directory[0] == '\0') {
        char name[] = "/tmp/sockets-XXXXXX";
        if (!mkdtemp(name))
            die(name);
        memcpy(directory, name, sizeof name);
    }
    return directory;
}

/* Run a command with the list in a file; returns its status as a shell would. */
static int run(char **command, const char *list)
{
    int status;
    setenv("SOCKETS_LIST", list, 1);
    pid_t child = fork();
    if (child < 0)
        die("fork");
    if (child == 0) {
        /* A group of its own, so that all of it ends with us; but a terminal's keys must work. */
        if (!isatty(STDIN_FILENO))
            setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        execvp(command[0], command);
        fprintf(stderr, "sockets: %s: %s\n", command[0], strerror(errno));
        _exit(127);
    }
    command_pid = child;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            die("waitpid");
    kill(-child, SIGKILL); /* what it left behind in its group */
    command_pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void wait_for_end_of_input(void)
{
    char bytes[256];
    ssize_t got;
    do
        got = read(STDIN_FILENO, bytes, sizeof bytes);
    while (got > 0 || (got < 0 && errno == EINTR));
}

static void copy(FILE *from, FILE *to)
{
    char bytes[4096];
    size_t got;
    rewind(from);
    while ((got = fread(bytes, 1, sizeof bytes, from)) > 0)
        fwrite(bytes, 1, got, to);
}

static unsigned long number(const char *text)
{
    char *rest;
    unsigned long value = text ? strtoul(text, &rest, 10) : 0;
    if (value == 0 || value > 4000000 || *rest != '\0') {
        fprintf(stderr, "sockets: not a number in range: %s\n%s", text ? text : "nothing", usage);
        exit(2);
    }
    return value;
}

static bool have_ipv6(void)
{
    struct sockaddr_storage addr;
    socklen_t length = make_addr(&addr, AF_INET6, "::1", 0);
    int fd = try_socket(AF_INET6, SOCK_STREAM, 0);
    if (fd < 0)
        return false;
    bool good = bind(fd, (struct sockaddr *)&addr, length) == 0;
    close(fd);
    return good;
}

int main(int argc, char **argv)
{
    unsigned long load = 0, seconds = 0;
    char **command = NULL;
    int status = 0;

    for (int i = 1; i < argc && !command; i++) {
        if (strcmp(argv[i], "--load") == 0) {
            load = number(argv[++i]);
        } else if (strcmp(argv[i], "--timeout") == 0) {
            seconds = number(argv[++i]);
        } else if (strcmp(argv[i], "--") == 0 && argv[i + 1]) {
            command = argv + i + 1;
        } else {
            fputs(usage, stderr);
            return 2;
        }
    }
    main_pid = getpid();
    catch_signals();
    alarm((unsigned)(seconds ? seconds : load ? LOAD_SECONDS : STATES_SECONDS));
    ns_enter();

    char path[MAX_PATH];
    snprintf(path, sizeof path, "%s/list", scratch());
    forget_later(path);
    FILE *list = fopen(path, "w+e");
    if (!list)
        die(path);
    if (load) {
        make_load(load, list);
    } else {
        bool v6 = have_ipv6();
        if (!v6)
            fprintf(stderr, "sockets: no IPv6 here\n");
        raise_files(4096);
        make_tcp(v6);
        make_other(v6);
        settle();
        make_tcp_brief(v6);
        settle();
        print_list(list);
    }
    fflush(list);
    if (command) {
        status = run(command, path);
    } else {
        copy(list, stdout);
        puts("ready");
        fflush(stdout);
        wait_for_end_of_input();
    }
    clean_up();
    return status;
}
