#define _GNU_SOURCE
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../scan.h"

enum {
    PROGRAM_MOST = 4096,
    CGROUP_MOST = 8192,
    COMM_MOST = 64,
    EXE_MOST = 4096,
    /* A line of one process; and the machine's, which grows with CPUs and interrupts. */
    STAT_MOST = 1024,
    MACHINE_STAT_MOST = 4 << 20,
    /* proc(5), /proc/PID/stat: starttime is the 22nd field, the 20th behind comm. */
    STARTTIME_BEHIND = 20
};

/* Text is gathered behind one byte, so that no offset is 0, which means "none". */
struct reading {
    const struct sockq_proc *proc;
    uint32_t pid;
    int folder; /* of its descriptors, in a live /proc: leads to no other process of this pid */
    int error;
    bool refused;
    struct sockq_process record;
    bool odd;       /* a file was none */
    bool nameless;  /* neither cmdline nor comm names it */
    bool no_cgroup; /* its file cgroup has a line of another form */
    size_t used;
    char text[1 + 2 * PROGRAM_MOST + CGROUP_MOST + COMM_MOST + EXE_MOST];
};

static void note_error(struct reading *r, int error)
{
    if (!r->error && sockq_proc_is_failure(error))
        r->error = error;
    r->refused |= error == EACCES || error == EPERM;
}

/* @return bytes read, 0 as well if it cannot be read */
static size_t read_file(struct reading *r, const char *file, char *buffer, size_t size,
                        bool *readable)
{
    const struct sockq_proc beside = {.fd = r->folder, .live = true};
    char path[64];

    if (r->folder >= 0)
        snprintf(path, sizeof(path), "../%s", file);
    else
        snprintf(path, sizeof(path), "%" PRIu32 "/%s", r->pid, file);
    ssize_t n = sockq_proc_read(r->folder >= 0 ? &beside : r->proc, path, buffer, size);

    *readable = n >= 0;
    r->odd |= n < 0 && (errno == EINVAL || errno == ENXIO);
    if (n < 0)
        note_error(r, errno);
    return n < 0 ? 0 : (size_t)n;
}

static uint64_t keep(struct reading *r, const char *bytes, size_t length)
{
    size_t at = r->used;

    memcpy(r->text + at, bytes, length);
    r->used += length;
    return at;
}

/* comm without its line feed; at least COMM_MOST + 1 bytes of room. */
static size_t read_comm(struct reading *r, char *text, bool *readable)
{
    size_t length = read_file(r, "comm", text, COMM_MOST + 1, readable);

    if (length > 0 && text[length - 1] == '\n')
        length--;
    return length > COMM_MOST ? COMM_MOST : length;
}

/*
 * The program's name: argv[0], without its folders if it is an absolute path (net-tools 2.10
 * netstat.c, prg_cache_load, does the same); comm where cmdline is empty.
 */
static void read_program(struct reading *r)
{
    struct sockq_process *process = &r->record;
    char text[PROGRAM_MOST];
    bool readable;
    size_t length = read_file(r, "cmdline", text, sizeof(text), &readable);
    size_t name = strnlen(text, length), start = 0;

    if (!readable)
        process->flags |= SOCKQ_PROCESS_NO_CMDLINE;
    if (name > 0) {
        const char *slash = text[0] == '/' ? memrchr(text, '/', name) : NULL;
        start = slash ? (size_t)(slash + 1 - text) : 0;
        while (length > name && text[length - 1] == '\0')
            length--;
        process->cmdline_len = (uint32_t)length;
        process->cmdline = keep(r, text, length);
    } else {
        process->flags |= SOCKQ_PROCESS_COMM;
        name = read_comm(r, text, &readable);
        r->nameless = !readable;
        if (!readable)
            return;
    }
    process->program_len = (uint32_t)(name - start);
    process->program = keep(r, text + start, name - start);
}

/* cgroups(7): "ID:CONTROLLERS:PATH" a line, of which the last one read may be cut off. */
static bool are_cgroups(const char *text, size_t length)
{
    const char *end = text + length;

    while (text < end) {
        const char *feed = memchr(text, '\n', (size_t)(end - text));
        if (!feed && length == CGROUP_MOST)
            return true;
        const char *line_end = feed ? feed : end;
        const char *colon = memchr(text, ':', (size_t)(line_end - text));
        if (!colon || !memchr(colon + 1, ':', (size_t)(line_end - colon - 1)))
            return false;
        text = feed ? feed + 1 : end;
    }
    return true;
}

static void read_cgroup(struct reading *r)
{
    bool readable;
    size_t length = read_file(r, "cgroup", r->text + r->used, CGROUP_MOST, &readable);

    if (length == 0)
        return;
    r->no_cgroup = !are_cgroups(r->text + r->used, length);
    r->record.cgroup_len = (uint32_t)length;
    r->record.cgroup = r->used;
    r->used += length;
}

static void keep_comm(struct reading *r)
{
    char text[COMM_MOST + 1];
    bool readable;
    size_t length = read_comm(r, text, &readable);

    if (!readable)
        return;
    r->record.comm_len = (uint32_t)length;
    r->record.comm = keep(r, text, length);
}

/* What stands between the first two brackets of a stat file, empty where they are not there. */
static size_t name_in_stat(const char *text, size_t length, const char **name)
{
    const char *open = memchr(text, '(', length);
    const char *close = open ? memchr(open, ')', length - (size_t)(open - text)) : NULL;

    *name = close ? open + 1 : text;
    size_t found = close ? (size_t)(close - open - 1) : 0;
    return found < COMM_MOST ? found : COMM_MOST;
}

static void keep_stat_name(struct reading *r)
{
    char text[STAT_MOST];
    const char *name;
    bool readable;
    size_t length = read_file(r, "stat", text, sizeof(text), &readable);

    if (!readable)
        return;
    r->record.comm_len = (uint32_t)name_in_stat(text, length, &name);
    r->record.comm = keep(r, name, r->record.comm_len);
}

uint64_t owner_process_named(const struct sockq_proc *proc, uint32_t pid, struct sockq_writer *w)
{
    char path[32], text[STAT_MOST];
    const char *name;
    uint64_t offset;

    snprintf(path, sizeof(path), "%" PRIu32 "/stat", pid);
    ssize_t length = sockq_proc_read(proc, path, text, sizeof(text));
    if (length < 0)
        return 0;
    struct sockq_process record = {.pid = pid};
    record.comm_len = (uint32_t)name_in_stat(text, (size_t)length, &name);
    record.comm = record.comm_len ? sockq_writer_bytes(w, name, record.comm_len) : 0;
    struct sockq_process *process = sockq_writer_alloc(w, sizeof(*process), &offset);
    if (!process)
        return 0;
    *process = record;
    return offset;
}

/* The folder is opened first, so that no link in its place is followed. */
static void read_exe(struct reading *r)
{
    char path[16];

    snprintf(path, sizeof(path), "%" PRIu32, r->pid);
    int folder = r->folder < 0 ? sockq_proc_openat(r->proc, path, O_DIRECTORY) : r->folder;
    const char *name = r->folder < 0 ? "exe" : "../exe";
    ssize_t n = folder < 0 ? -1 : readlinkat(folder, name, r->text + r->used, EXE_MOST);
    if (n < 0)
        note_error(r, errno);
    if (folder >= 0 && r->folder < 0)
        close(folder);
    if (n <= 0)
        return;
    r->record.exe_len = (uint32_t)n;
    r->record.exe = r->used;
    r->used += (size_t)n;
}

/* comm, in brackets, may itself hold blanks and brackets. */
static void read_started(struct reading *r)
{
    char text[STAT_MOST];
    bool readable;
    size_t length = read_file(r, "stat", text, sizeof(text), &readable);
    const char *end = text + length, *p = memrchr(text, ')', length);

    for (int field = 0; p && field < STARTTIME_BEHIND; field++) {
        p = memchr(p, ' ', (size_t)(end - p));
        p = p ? p + 1 : NULL;
    }
    if (p && (p = scan_u64(p, end, &r->record.started)) != NULL && p < end && scan_is_blank(*p))
        r->record.flags |= SOCKQ_PROCESS_STARTED;
    else
        r->record.started = 0;
}

uint64_t owner_boot_time(const struct sockq_proc *proc, struct pile *pile)
{
    uint64_t seconds;
    char *text = pile_take(pile, MACHINE_STAT_MOST);
    ssize_t n = text ? sockq_proc_read(proc, "stat", text, MACHINE_STAT_MOST) : -1;
    /* A read that was interrupted, and then succeeded, left its errno. */
    if (n >= 0)
        errno = 0;
    const char *line = n > 0 ? memmem(text, (size_t)n, "\nbtime ", 7) : NULL;
    const char *end = line ? scan_u64(line + 7, text + n, &seconds) : NULL;

    return end && end < text + n && *end == '\n' && seconds <= INT64_MAX ? seconds : 0;
}

struct owner_process *owner_process_read(const struct sockq_proc *proc, uint32_t pid, int folder,
                                         uint32_t flags, struct pile *pile)
{
    struct reading r;

    r.proc = proc;
    r.pid = pid;
    r.folder = proc->live ? folder : -1;
    r.record = (struct sockq_process){.pid = pid};
    r.odd = r.nameless = r.no_cgroup = r.refused = false;
    r.error = 0;
    r.used = 1;
    r.text[0] = '\0';
    read_program(&r);
    if (flags & SOCKQ_WITH_CGROUPS)
        read_cgroup(&r);
    if (flags & SOCKQ_WITH_STAT_NAMES)
        keep_stat_name(&r);
    else if (flags & SOCKQ_WITH_COMM)
        keep_comm(&r);
    if (flags & SOCKQ_WITH_EXE)
        read_exe(&r);
    if (flags & SOCKQ_WITH_STARTED)
        read_started(&r);
    struct owner_process *process = pile_take(pile, sizeof(*process) + r.used);
    if (!process)
        return NULL;
    process->record = r.record;
    process->odd = r.odd;
    process->nameless = r.nameless;
    process->no_cgroup = r.no_cgroup;
    process->error = r.error;
    process->refused = r.refused;
    process->length = r.used;
    memcpy(process->text, r.text, r.used);
    return process;
}

void owner_note_failure(struct sockq_owner_info *info, int error)
{
    if (!(info->odd & OWNER_FAILED))
        info->error = error;
    info->odd |= OWNER_FAILED;
}

uint64_t owner_process_write(const struct owner_process *process, struct sockq_writer *w)
{
    uint64_t offset, base = sockq_writer_bytes(w, process->text, process->length);
    struct sockq_process *to = sockq_writer_alloc(w, sizeof(*to), &offset);

    if (!base || !to)
        return 0;
    *to = process->record;
    uint64_t *const texts[] = {&to->program, &to->cmdline, &to->cgroup, &to->comm, &to->exe};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (*texts[i])
            *texts[i] += base;
    return offset;
}

uint64_t owner_program(const struct sockq_proc *proc, uint32_t pid, struct sockq_writer *w,
                       uint32_t *length)
{
    struct pile pile = {0};
    const struct owner_process *process = owner_process_read(proc, pid, -1, 0, &pile);
    uint64_t offset = 0;

    *length = process ? process->record.program_len : 0;
    if (process && process->error)
        owner_note_failure(&w->set->owners, process->error);
    else if (!process && !w->error)
        w->error = errno;
    if (*length)
        offset = sockq_writer_bytes(w, process->text + process->record.program, *length);
    pile_free(&pile);
    return offset;
}
