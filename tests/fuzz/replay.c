/*
 * In libFuzzer's place: replay PATH... runs the target over each file, and the files of each
 * folder.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <sys/stat.h>

#include "fuzz.h"

static unsigned inputs;

static int run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat st;

    if (!file || fstat(fileno(file), &st) < 0) {
        perror(path);
        return -1;
    }
    size_t size = (size_t)st.st_size;
    uint8_t *bytes = malloc(size ? size : 1);
    if (!bytes || fread(bytes, 1, size, file) != size) {
        perror(path);
        return -1;
    }
    fclose(file);
    /* So that an input which ends the process is known by its name. */
    if (getenv("FUZZ_VERBOSE"))
        fprintf(stderr, "%s\n", path);
    LLVMFuzzerTestOneInput(bytes, size);
    free(bytes);
    inputs++;
    return 0;
}

static int run_folder(const char *path)
{
    struct dirent **entries;
    char name[4096];
    int count = scandir(path, &entries, NULL, alphasort), result = 0;

    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && run_file(name) < 0)
            result = -1;
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return result;
}

int main(int argc, char **argv)
{
    struct stat st;
    int status = 0;

    for (int i = 1; i < argc; i++) {
        if (stat(argv[i], &st) < 0)
            continue;
        if ((S_ISDIR(st.st_mode) ? run_folder(argv[i]) : run_file(argv[i])) < 0)
            status = 1;
    }
    printf("%u inputs\n", inputs);
    return inputs ? status : 1;
}
