"""What tests/lib/limits.py does to a process before it becomes sockq: limits, namespaces, filters.

Each function is called in the child, between fork and exec.
"""
import ctypes
import os
import resource
import struct

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET, CLONE_NEWPID = 0x20000, 0x10000000, 0x40000000, 0x20000000
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18
PR_SET_NO_NEW_PRIVS, PR_CAPBSET_DROP, PR_SET_SECCOMP, PR_SET_DUMPABLE = 38, 24, 22, 4
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_SETGID, CAP_SETUID, CAP_SETPCAP = 1, 2, 6, 7, 8
CAP_SYS_PTRACE, CAP_SYS_ADMIN = 19, 21
NOBODY = 65534


def check(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def unshare(flags):
    check(LIBC.unshare(flags))


def mount(source, target, kind, flags, data=None):
    encode = lambda text: text.encode() if text is not None else None
    check(LIBC.mount(encode(source), encode(target), encode(kind), ctypes.c_ulong(flags), encode(data)))


def private_mounts():
    unshare(CLONE_NEWNS)
    mount(None, "/", None, MS_REC | MS_PRIVATE)


def limit(name, soft, hard=None):
    """setrlimit; `hard` as well unless it is to stay."""
    number = getattr(resource, "RLIMIT_" + name)
    most = resource.getrlimit(number)[1]
    return lambda: resource.setrlimit(number, (soft, soft if hard is None else most))


def be_nobody(dumpable=False):
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    if dumpable:
        check(LIBC.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))


def proc_with(options):
    def act():
        private_mounts()
        mount("proc", "/proc", "proc", 0, options)
    return act


def nothing_on_proc():
    private_mounts()
    mount("none", "/proc", "tmpfs", 0, None)


def read_only_root():
    private_mounts()
    for path in ("/", "/tmp", "/dev/shm", "/run"):
        try:
            mount(path, path, None, MS_BIND)
            mount(None, path, None, MS_REMOUNT | MS_BIND | MS_RDONLY)
        except OSError:
            pass


def full_shm():
    private_mounts()
    os.makedirs("/dev/shm", exist_ok=True)
    mount("none", "/dev/shm", "tmpfs", 0, "size=4096")
    with open("/dev/shm/full", "wb") as file:
        file.write(b"x" * 4096)


def set_capabilities(wanted):
    header = struct.pack("II", 0x20080522, 0)
    low, high = wanted & 0xffffffff, wanted >> 32
    check(LIBC.capset(header, struct.pack("IIIIII", low, low, 0, high, high, 0)))


def all_capabilities():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1], 16) for line in file if line.startswith("CapPrm"))


def keep_capabilities(*kept):
    """Root in a container: the bounding set as well."""
    def act():
        for number in range(64):
            if number not in kept:
                LIBC.prctl(PR_CAPBSET_DROP, number, 0, 0, 0)
        set_capabilities(sum(1 << number for number in kept) & all_capabilities())
    return act


def without_capability(number):
    def act():
        LIBC.prctl(PR_CAPBSET_DROP, number, 0, 0, 0)
        set_capabilities(all_capabilities() & ~(1 << number))
    return act


def user_namespace(mapped, as_nobody=False):
    """A user namespace of one id, or of none; of nobody's, or of root's."""
    def act():
        if as_nobody:
            be_nobody(True)
        uid, gid = os.getuid(), os.getgid()
        unshare(CLONE_NEWUSER)
        with open("/proc/self/setgroups", "w") as file:
            file.write("deny")
        if mapped is not None:
            with open("/proc/self/uid_map", "w") as file:
                file.write("%d %d 1\n" % (mapped, uid))
            with open("/proc/self/gid_map", "w") as file:
                file.write("%d %d 1\n" % (mapped, gid))
    return act


def no_new_privileges():
    check(LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


SYSCALLS = {
    "x86_64": {"memfd_create": 319, "seccomp": 317, "prctl": 157, "clone3": 435, "close_range": 436,
               "statx": 332, "openat2": 437, "landlock_create_ruleset": 444, "landlock_add_rule": 445,
               "landlock_restrict_self": 446, "getrandom": 318, "madvise": 28, "prlimit64": 302,
               "shmget": 29, "rseq": 334, "sched_getaffinity": 204, "fstatfs": 138, "capset": 126,
               "socketpair": 53, "fork": 57, "clone": 56, "setrlimit": 160, "mprotect": 10},
    "aarch64": {"memfd_create": 279, "seccomp": 277, "prctl": 167, "clone3": 435, "close_range": 436,
                "statx": 291, "openat2": 437, "landlock_create_ruleset": 444, "landlock_add_rule": 445,
                "landlock_restrict_self": 446, "getrandom": 278, "madvise": 233, "prlimit64": 261,
                "shmget": 194, "rseq": 293, "sched_getaffinity": 123, "fstatfs": 44, "capset": 91,
                "socketpair": 199, "clone": 220, "setrlimit": 164, "mprotect": 226},
}[os.uname().machine]


def forbid(error, *names):
    """A filter that answers these system calls with an errno."""
    def act():
        numbers = [SYSCALLS[name] for name in names if name in SYSCALLS]
        code = [struct.pack("HBBI", 0x20, 0, 0, 0)]
        for at, number in enumerate(numbers):
            code.append(struct.pack("HBBI", 0x15, len(numbers) - at, 0, number))
        code.append(struct.pack("HBBI", 0x06, 0, 0, 0x7fff0000))
        code.append(struct.pack("HBBI", 0x06, 0, 0, 0x00050000 | error))
        text = ctypes.create_string_buffer(b"".join(code))
        program = struct.pack("HxxxxxxP", len(code), ctypes.addressof(text))
        no_new_privileges()
        check(LIBC.prctl(PR_SET_SECCOMP, 2, ctypes.c_char_p(program), 0, 0))
    return act


def landlocked(read_all):
    """Landlock as a caller may have set it: everything below / for reading, or nothing handled but
    writing."""
    def act():
        if LIBC.syscall(444, None, ctypes.c_size_t(0), 1) < 1:
            raise OSError("no Landlock")
        handled = 0x1fff if read_all else 0x1ff2
        ruleset = check(LIBC.syscall(444, struct.pack("Q", handled), ctypes.c_size_t(8), 0))
        if read_all:
            fd = os.open("/", os.O_PATH)
            check(LIBC.syscall(445, ruleset, 1, struct.pack("=Qi", 0x1fff, fd), 0))
            os.close(fd)
        no_new_privileges()
        check(LIBC.syscall(446, ruleset, 0))
        os.close(ruleset)
    return act


def open_many(count):
    def act():
        resource.setrlimit(resource.RLIMIT_NOFILE, (count + 100, max(count + 100, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
        first = os.open("/dev/null", os.O_RDONLY)
        for _ in range(count):
            os.set_inheritable(os.dup(first), True)
    return act


def close(*numbers):
    def act():
        for number in numbers:
            os.close(number)
    return act


def gone_folder(path):
    def act():
        os.mkdir(path)
        os.chdir(path)
        os.rmdir(path)
    return act


def several(*acts):
    def act():
        for one in acts:
            one()
    return act
