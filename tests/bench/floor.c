/*
 * floor: the least that a listing of sockets can cost, for comparison.
 *
 *   floor [--fds DIR] [PATH...]
 *   floor --count PATH          print how many lines a file has
 *
 * Reads each file to its end, 64 KiB at a time, and looks at nothing. --fds: then one readlink for
 * every descriptor of every process below DIR, such as /proc, which is what the owners of sockets
 * take.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { BUFFER = 64 << 10 };

/* @lines  counted there, unless it is NULL */
static int read_file(const char *path, unsigned long *lines)
{
    static char buffer[BUFFER];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0) {
        fprintf(stderr, "floor: %s: %s\n", path, strerror(errno));
        return -1;
    }
    while ((n = read(fd, buffer, BUFFER)) > 0)
        for (ssize_t i = 0; lines && i < n; i++)
            *lines += buffer[i] == '\n';
    close(fd);
    return (int)n;
}

/* A process that ended, or that may not be read, is passed over. */
static void read_links(int processes, const char *pid)
{
    char path[300], text[64];

    snprintf(path, sizeof(path), "%s/fd", pid);
    int fd = openat(processes, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder)
        return;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (entry->d_name[0] != '.' && readlinkat(fd, entry->d_name, text, sizeof(text)) < 0)
            continue;
    closedir(folder);
}

static int read_all_links(const char *path)
{
    DIR *folder = opendir(path);

    if (!folder) {
        fprintf(stderr, "floor: %s: %s\n", path, strerror(errno));
        return -1;
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9')
            read_links(dirfd(folder), entry->d_name);
    closedir(folder);
    return 0;
}

int main(int argc, char **argv)
{
    unsigned long lines = 0;
    int status = 0;

    if (argc == 3 && strcmp(argv[1], "--count") == 0) {
        status = read_file(argv[2], &lines) < 0;
        printf("%lu\n", lines);
        return status;
    }
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--fds") == 0 && i + 1 < argc)
            status |= read_all_links(argv[++i]) < 0;
        else
            status |= read_file(argv[i], NULL) < 0;
    }
    return status;
}
