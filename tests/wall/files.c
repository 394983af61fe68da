/* Opening, making, changing and looking at files. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "inject.h"

#define VICTIM inject_world.victim
#define FRESH inject_world.fresh

enum { STATX_ALL_FIELDS = 0xfff, CLOSED = -1 };

void inject_files(void)
{
    const uint64_t how[3] = {O_RDONLY, 0, 0};

#ifdef SYS_open
    TRY("open", REFUSED, SYS_open, VICTIM, O_RDONLY);
    TRY("open to write", REFUSED, SYS_open, VICTIM, O_WRONLY | O_TRUNC);
    TRY("creat", REFUSED, SYS_creat, FRESH, 0666);
#endif
    TRY("openat", REFUSED, SYS_openat, AT_FDCWD, VICTIM, O_RDONLY);
    TRY("openat of a new file", REFUSED, SYS_openat, AT_FDCWD, FRESH, O_WRONLY | O_CREAT, 0666);
    TRY("openat of /proc/self/mem", REFUSED, SYS_openat, AT_FDCWD, "/proc/self/mem", O_RDWR);
    TRY("openat of the terminal", REFUSED, SYS_openat, AT_FDCWD, "/dev/tty", O_RDWR);
#ifdef SYS_openat2
    TRY("openat2", REFUSED, SYS_openat2, AT_FDCWD, VICTIM, how, sizeof(how));
#endif
    TRY("open_by_handle_at", KILLED, SYS_open_by_handle_at, 0, how, O_RDONLY);
    TRY("name_to_handle_at", KILLED, SYS_name_to_handle_at, AT_FDCWD, VICTIM, NULL, NULL, 0);
    TRY("memfd_create", KILLED, SYS_memfd_create, "x", 0);
    TRY("truncate", ABSENT, SYS_truncate, VICTIM, 0);
    TRY("ftruncate", ABSENT, SYS_ftruncate, 0, 0);
    TRY("fallocate", ABSENT, SYS_fallocate, 1, 0, 0, 10);
    TRY("unlinkat", ABSENT, SYS_unlinkat, AT_FDCWD, VICTIM, 0);
    TRY("renameat2", ABSENT, SYS_renameat2, AT_FDCWD, VICTIM, AT_FDCWD, FRESH, 0);
    TRY("linkat", ABSENT, SYS_linkat, AT_FDCWD, VICTIM, AT_FDCWD, FRESH, 0);
    TRY("symlinkat", ABSENT, SYS_symlinkat, VICTIM, AT_FDCWD, FRESH);
    TRY("mkdirat", ABSENT, SYS_mkdirat, AT_FDCWD, FRESH, 0777);
    TRY("mknodat", ABSENT, SYS_mknodat, AT_FDCWD, FRESH, S_IFIFO | 0666, 0);
    TRY("fchmod", ABSENT, SYS_fchmod, 0, 0777);
    TRY("fchmodat", ABSENT, SYS_fchmodat, AT_FDCWD, VICTIM, 0777);
    TRY("fchown", ABSENT, SYS_fchown, 0, getuid(), getgid());
    TRY("fchownat", ABSENT, SYS_fchownat, AT_FDCWD, VICTIM, getuid(), getgid(), 0);
    TRY("utimensat", ABSENT, SYS_utimensat, AT_FDCWD, VICTIM, NULL, 0);
    TRY("setxattr", ABSENT, SYS_setxattr, VICTIM, "user.a", "b", 1, 0);
    TRY("getxattr", ABSENT, SYS_getxattr, VICTIM, "user.a", NULL, 0);
    TRY("sendfile", ABSENT, SYS_sendfile, 1, 0, NULL, 1);
    TRY("splice", ABSENT, SYS_splice, 0, NULL, 1, NULL, 1, 0);
    TRY("copy_file_range", ABSENT, SYS_copy_file_range, 0, NULL, 1, NULL, 1, 0);
    TRY("flock", ABSENT, SYS_flock, 0, 2);
    TRY("inotify_init1", ABSENT, SYS_inotify_init1, 0);
    TRY("fanotify_init", ABSENT, SYS_fanotify_init, 0, 0);
}

void inject_names(void)
{
    static char buffer[4096];

#ifdef SYS_unlink
    TRY("unlink", ABSENT, SYS_unlink, VICTIM);
    TRY("rename", ABSENT, SYS_rename, VICTIM, FRESH);
    TRY("link", ABSENT, SYS_link, VICTIM, FRESH);
    TRY("symlink", ABSENT, SYS_symlink, VICTIM, FRESH);
    TRY("mkdir", ABSENT, SYS_mkdir, FRESH, 0777);
    TRY("rmdir", ABSENT, SYS_rmdir, FRESH);
    TRY("mknod", ABSENT, SYS_mknod, FRESH, S_IFIFO | 0666, 0);
    TRY("chmod", ABSENT, SYS_chmod, VICTIM, 0777);
    TRY("chown", ABSENT, SYS_chown, VICTIM, getuid(), getgid());
    TRY("lchown", ABSENT, SYS_lchown, VICTIM, getuid(), getgid());
    TRY("stat", ABSENT, SYS_stat, VICTIM, buffer);
    TRY("lstat", ABSENT, SYS_lstat, VICTIM, buffer);
    TRY("access", ABSENT, SYS_access, VICTIM, R_OK);
    TRY("readlink", ABSENT, SYS_readlink, "/proc/self/exe", buffer, sizeof(buffer));
    TRY("getdents", ABSENT, SYS_getdents, 0, buffer, sizeof(buffer));
#endif
    TRY("fstat", ABSENT, SYS_fstat, 0, buffer);
    TRY("newfstatat", ABSENT, SYS_newfstatat, AT_FDCWD, VICTIM, buffer, 0);
    TRY("newfstatat of a descriptor", ABSENT, SYS_newfstatat, 0, "", buffer, AT_EMPTY_PATH);
    TRY("statx", ABSENT, SYS_statx, AT_FDCWD, VICTIM, 0, STATX_ALL_FIELDS, buffer);
    TRY("faccessat", ABSENT, SYS_faccessat, AT_FDCWD, VICTIM, R_OK);
#ifdef SYS_faccessat2
    TRY("faccessat2", ABSENT, SYS_faccessat2, AT_FDCWD, VICTIM, R_OK, 0);
#endif
    TRY("readlinkat", ABSENT, SYS_readlinkat, AT_FDCWD, "/proc/self/exe", buffer, sizeof(buffer));
    TRY("getdents64", ABSENT, SYS_getdents64, 0, buffer, sizeof(buffer));
    TRY("statfs", ABSENT, SYS_statfs, "/", buffer);
    TRY("fstatfs", ABSENT, SYS_fstatfs, 0, buffer);
    TRY("getcwd", ABSENT, SYS_getcwd, buffer, sizeof(buffer));
    TRY("chdir", ABSENT, SYS_chdir, "/");
    TRY("fchdir", ABSENT, SYS_fchdir, 0);
    TRY("pread64", ABSENT, SYS_pread64, 0, buffer, 1, 0);
    TRY("pwrite64", ABSENT, SYS_pwrite64, 1, buffer, 0, 0);
    TRY("dup", ABSENT, SYS_dup, 0);
    TRY("dup3", ABSENT, SYS_dup3, 0, 9, 0);
    TRY("pipe2", ABSENT, SYS_pipe2, buffer, 0);
    TRY("fcntl F_SETFL", ABSENT, SYS_fcntl, 1, F_SETFL, O_NONBLOCK);
    TRY("fcntl F_SETOWN", ABSENT, SYS_fcntl, 1, F_SETOWN, inject_world.foreign);
    TRY("fcntl F_DUPFD", ABSENT, SYS_fcntl, 1, F_DUPFD, 3);
    TRY("eventfd2", ABSENT, SYS_eventfd2, 0, 0);
    TRY("epoll_create1", ABSENT, SYS_epoll_create1, 0);
    TRY("timerfd_create", ABSENT, SYS_timerfd_create, 1, 0);
    TRY("signalfd4", ABSENT, SYS_signalfd4, -1, buffer, 8, 0);
}
