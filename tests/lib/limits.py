"""sockq within the limits of a machine, for tests/cli/limits_test.lua.

    python3 limits.py SOCKQ FOLDER

In a network namespace with known sockets, sockq runs in each situation. It must list exactly these
rows, or say in one line of standard error what is missing, with a remedy, and end with status 2 or
3. Prints "ok NAME" or "bad NAME: WHY" for each, "skipped NAME: WHY" where the machine cannot, then
"done". What a run says before it is told by "note"."""
import errno
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys

import confine as c

SOCKQ, FOLDER = sys.argv[1], sys.argv[2]
SANITIZED = "sanitized" in sys.argv[3:]
# scripts/coverage: the counters, which need memory of their own before sockq begins.
COUNTED = "counted" in sys.argv[3:]
KEPT, EXPECTED = [], set()
ENVIRONMENT = {"LC_ALL": "C", "PATH": os.environ.get("PATH", "/usr/bin:/bin")}
for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
    if name in os.environ:
        ENVIRONMENT[name] = os.environ[name]
# Its runtime looks for leaks at the end, which takes a process, descriptors and /proc; and it does
# not start without some calls.
RUNTIME_NEEDS = ()
if SANITIZED:
    ENVIRONMENT["ASAN_OPTIONS"] = ":".join(filter(None, (ENVIRONMENT.get("ASAN_OPTIONS"), "detect_leaks=0")))
    RUNTIME_NEEDS = ("forbids prlimit64", "forbids sched_getaffinity", "forbids mprotect", "forbids madvise", "nothing on /proc")
COMMANDS = (["-t", "-u", "-f", "ndjson", "-c", "proto,local_port,state,program"], ["netstat", "-antup"])
# Of netstat's own, as net-tools prints them.
NETSTAT_NOTES = re.compile(r"^(\(No info could be read for \"-p\": geteuid\(\)=\d+ but you should be root\.\)"
                           r"|\(Not all processes could be identified, non-owned process info"
                           r"| will not be shown, you would have to be root to see it all\.\))$")
MESSAGE = re.compile(r"^sockq: [^;]+; .+$")
LOADER = re.compile(r"error while loading shared libraries|cannot allocate memory|Cannot allocate memory")
MB = 1 << 20


def make_sockets():
    for port in (4001, 4002):
        one = socket.socket()
        one.bind(("127.0.0.1", port))
        one.listen()
        KEPT.append(one)
        EXPECTED.add(("tcp", port, "LISTEN"))
    client = socket.create_connection(("127.0.0.1", 4001))
    server = KEPT[0].accept()[0]
    KEPT.extend([client, server])
    EXPECTED.add(("tcp", 4001, "ESTABLISHED"))
    EXPECTED.add(("tcp", client.getsockname()[1], "ESTABLISHED"))
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.bind(("127.0.0.1", 4003))
    KEPT.append(one)
    EXPECTED.add(("udp", 4003, "CLOSE"))


def rows_of(words, out):
    """What a listing says, and the owners that it names; raises ValueError for what is no listing."""
    rows, owners = [], set()
    for line in out.splitlines():
        if words[0] != "netstat":
            row = json.loads(line)
            rows.append((row["proto"], row["local_port"], "CLOSE" if row["proto"] == "udp" else row["state"]))
            owners.add(row["program"])
            continue
        parts = line.split()
        if parts[0] in ("tcp", "udp"):
            state = "CLOSE" if parts[0] == "udp" else parts[5]
            rows.append((parts[0], int(parts[3].rsplit(":", 1)[1]), state))
            owners.add(None if parts[-1] == "-" else parts[-1].split("/", 1)[1])
        elif parts[0] not in ("Active", "Proto"):
            raise ValueError("no line of netstat: " + line)
    return rows, owners


def judge_rows(words, out, may_lack_stdout):
    if may_lack_stdout:
        return None
    try:
        rows, owners = rows_of(words, out)
    except (ValueError, KeyError, IndexError) as error:
        return "no listing: %s: %r" % (error, out[:200])
    if sorted(rows) != sorted(EXPECTED):
        return "wrong rows: %r, not %r" % (sorted(rows), sorted(EXPECTED))
    if not owners <= {None, "python3", os.path.basename(sys.executable)}:
        return "wrong owners: %r" % owners
    return None


def without_runtime(err):
    """What the sanitizers' runtime warns of is not sockq's."""
    return "".join(line for line in err.splitlines(True) if not re.match(r"^==\d+==WARNING", line))


def judge(words, result, may):
    """What is wrong with a run; "" if nothing. `may`: what it may do besides listing the rows."""
    status, out, err = result
    err = without_runtime(err) if SANITIZED else err
    lines = err.splitlines()
    if status == "timeout":
        return "it hung"
    if status < 0 and "killed" in may and -status in (signal.SIGKILL, signal.SIGSEGV) and not out:
        return ""
    if status < 0:
        return "ended by signal %d: %r" % (-status, err[:300])
    if "runtime error" in err or "AddressSanitizer" in err:
        return "sanitizer: " + err[:500]
    if status == 127 and "loader" in may and LOADER.search(err):
        return ""
    if status == 0:
        for line in lines:
            if not line.startswith("sockq: ") and not (words[0] == "netstat" and NETSTAT_NOTES.match(line)):
                return "a note of another kind: %r" % line
        return judge_rows(words, out, "no stdout" in may) or ""
    if status not in (2, 3):
        return "status %d: %r %r" % (status, out[:200], err[:300])
    if "refuse" not in may:
        return "refused: status %d: %r" % (status, err[:300])
    if "no stderr" in may:
        return ""
    if out and status == 3 and "lack" in may:
        lines = [line for line in lines if not (words[0] == "netstat" and NETSTAT_NOTES.match(line))]
        wrong = judge_rows(words, out, False)
        if wrong:
            return wrong
    elif out:
        return "rows and status %d: %r %r" % (status, out[:100], err[:300])
    if len(lines) != 1 or not MESSAGE.match(lines[0]):
        return "not one line with a remedy: %r" % err[:400]
    return ""


def run(words, act=None, env=None, executable=None, argv0="sockq", stdin=None):
    try:
        child = subprocess.Popen([argv0] + words, executable=executable or SOCKQ, preexec_fn=act, env=ENVIRONMENT if env is None else env,
                                 stdin=stdin or subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, close_fds=act is None)
    except subprocess.SubprocessError as error:
        return None, str(error), ""
    try:
        out, err = child.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        return "timeout", "", ""
    return child.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")


def situation(name, act=None, may=(), **how):
    for needed in RUNTIME_NEEDS:
        if needed in name:
            print("skipped %s: the sanitizers' runtime needs what is missing" % name)
            return
    worst = "ok"
    for words in how.pop("commands", COMMANDS):
        result = run(words, act, **how)
        if result[0] is None:
            print("skipped %s: %s" % (name, result[1].replace("\n", " ")))
            return
        wrong = judge(words, result, may)
        if wrong:
            print("bad %s (%s): %s" % (name, words[0], wrong.replace("\n", "\\n")))
            worst = "bad"
        elif result[0] != 0 and result[2]:
            print("note %s: status %s: %s" % (name, result[0], result[2].splitlines()[0]))
    if worst == "ok":
        print("ok " + name)


def limits():
    for count in (20, 12, 10, 9, 8, 7, 6, 5, 4):
        # Those of the owners that cannot be opened are told.
        situation("%d descriptors" % count, c.limit("NOFILE", count), {"refuse", "lack", "loader"})
    situation("3 descriptors", c.limit("NOFILE", 3), {"refuse", "loader"})
    most = 100000
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, most + 100))
    except ValueError:
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 100
    situation("%d inherited descriptors" % most, c.open_many(most))
    if not SANITIZED:
        for size in (4096, 1024, 512, 256, 192, 128, 112, 96, 80, 64, 48, 40, 32, 24, 20, 16, 12, 8, 4):
            situation("%d MiB of address space" % size, c.limit("AS", size * MB), {"refuse", "loader", "killed"})
        for size in (256, 64, 32, 16, 8, 4, 2) + (() if COUNTED else (1,)):
            situation("%d MiB of data" % size, c.limit("DATA", size * MB), {"refuse", "loader", "killed"})
        situation("a stack of 64 KiB", c.limit("STACK", 64 << 10), {"refuse", "killed"})
        situation("a stack of 256 KiB", c.limit("STACK", 256 << 10), {"refuse"})
        situation("no limit of the stack", c.limit("STACK", resource.RLIM_INFINITY))
    situation("files of no bytes", c.limit("FSIZE", 0))
    situation("no more processes", c.several(c.be_nobody, c.limit("NPROC", 0)), {"refuse"})
    situation("no more processes, for root", c.limit("NPROC", 0), {"refuse"})
    situation("no locked memory", c.limit("MEMLOCK", 0))
    situation("no core files", c.limit("CORE", 0))
    situation("no pending signals", c.limit("SIGPENDING", 0), {"refuse"})
    situation("no message queues", c.limit("MSGQUEUE", 0))


def memory_files():
    situation("a full /dev/shm", c.full_shm)
    for error in ("ENOSYS", "EPERM"):
        forbidden = c.forbid(getattr(errno, error), "memfd_create")
        situation("no memfd: " + error, forbidden)
        situation("no memfd and a full /dev/shm: " + error, c.several(c.full_shm, forbidden))
        situation("no memfd and no shared memory: " + error, c.forbid(getattr(errno, error), "memfd_create", "shmget"), {"refuse"})
    situation("no memfd and files of no bytes", c.several(c.limit("FSIZE", 0), c.forbid(errno.ENOSYS, "memfd_create")))
    situation("no memfd, a user", c.several(c.be_nobody, c.forbid(errno.ENOSYS, "memfd_create")))


def proc():
    situation("nothing on /proc", c.nothing_on_proc, {"refuse"})
    situation("nothing on /proc, a user", c.several(c.nothing_on_proc, c.be_nobody), {"refuse"})
    for number in (1, 2, 4):
        mounted = c.proc_with("hidepid=%d" % number)
        situation("hidepid=%d" % number, mounted, {"refuse"} if number == 4 else ())
        situation("hidepid=%d, a user" % number, c.several(mounted, c.be_nobody))
        situation("hidepid=%d, gid= of a user" % number, c.several(c.proc_with("hidepid=%d,gid=%d" % (number, c.NOBODY)), c.be_nobody))
    situation("subset=pid", c.proc_with("subset=pid"))
    situation("subset=pid, a user", c.several(c.proc_with("subset=pid"), c.be_nobody))
    situation("subset=pid and hidepid=2", c.proc_with("subset=pid,hidepid=2"))
    situation("a read-only root", c.read_only_root)
    situation("a read-only root, a user", c.several(c.read_only_root, c.be_nobody))


def privileges():
    situation("a user", c.be_nobody)
    situation("no capabilities", c.keep_capabilities())
    for kept in ("DAC_OVERRIDE", "SETUID", "SETGID", "SETPCAP", "SYS_PTRACE", "DAC_READ_SEARCH"):
        number = getattr(c, "CAP_" + kept)
        situation("no CAP_" + kept, c.without_capability(number), {"refuse"})
        situation("CAP_%s alone" % kept, c.keep_capabilities(number), {"refuse"})
    situation("a container's capabilities", c.keep_capabilities(0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31))
    situation("a user namespace, root in it", c.user_namespace(0), {"refuse"})
    situation("a user namespace, another id in it", c.user_namespace(1000))
    situation("a user namespace without ids", c.user_namespace(None))
    situation("a user's namespace, root in it", c.user_namespace(0, True), {"refuse"})
    situation("a user's namespace, another id in it", c.user_namespace(1000, True))
    situation("a user's namespace without ids", c.user_namespace(None, True))
    situation("no new privileges", c.no_new_privileges)
    situation("no new privileges, a user", c.several(c.no_new_privileges, c.be_nobody))
    situation("Landlock before, all may be read", c.landlocked(True), {"refuse"})
    situation("Landlock before, nothing may be written", c.landlocked(False), {"refuse"})


def filters():
    for error in ("ENOSYS", "EPERM"):
        number = getattr(errno, error)
        for name in ("seccomp", "clone3", "close_range", "statx", "openat2", "getrandom", "madvise", "prlimit64", "rseq",
                     "sched_getaffinity"):
            may = {"refuse"} if name in ("seccomp", "prlimit64", "madvise", "getrandom") else ()
            situation("a filter that forbids %s: %s" % (name, error), c.forbid(number, name), may)
        for name in ("prctl", "capset", "fstatfs", "socketpair", "mprotect"):
            may = {"refuse"} | ({"loader"} if name == "mprotect" else set())
            situation("a filter that forbids %s: %s" % (name, error), c.forbid(number, name), may)
        landlock = ("landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self")
        situation("a filter that forbids Landlock: " + error, c.forbid(number, *landlock))
        situation("a filter that forbids them all: " + error,
                  c.forbid(number, "seccomp", "close_range", "openat2", "memfd_create", *landlock), {"refuse"})
        situation("a filter that forbids seccomp, a user: " + error, c.several(c.be_nobody, c.forbid(number, "seccomp")), {"refuse"})
    situation("a filter that forbids fork: EAGAIN", c.forbid(errno.EAGAIN, "fork", "clone", "clone3"), {"refuse"})


def surroundings():
    situation("a session without terminal", os.setsid)
    situation("a working folder that is gone", c.gone_folder(FOLDER + "/gone"))
    situation("a working folder that may not be read", lambda: (os.chdir("/root"), c.be_nobody()))
    situation("no environment", env={k: v for k, v in ENVIRONMENT.items() if k.endswith("_OPTIONS")})
    for name, value in (("LC_ALL", "xx_XX.UTF-8"), ("LC_ALL", "x" * 5000), ("LANG", "../../../etc"), ("HOME", ""), ("HOME", "/" + "h" * 5000),
                        ("TZ", "\x1b[31m"), ("TZ", ":/etc/passwd"), ("TZ", "../" * 900), ("TZ", "AAA-999999:99"), ("PATH", ""),
                        ("XDG_CONFIG_HOME", "relative"), ("SOCKQ_PATH", ":::"), ("TERM", "\x1b]0;x\x07"), ("COLUMNS", "-1"),
                        ("NO_COLOR", ""), ("XDG_DATA_HOME", "\xff\xfe")):
        situation("%s=%r" % (name, value[:20]), env=dict(ENVIRONMENT, **{name: value}), may={"refuse"} if name == "SOCKQ_PATH" else ())
    situation("HOME is not set", env={k: v for k, v in ENVIRONMENT.items() if k != "HOME"})
    situation("an environment of 1 MiB", env=dict(ENVIRONMENT, **{"V%d" % i: "x" * 100000 for i in range(10)}))
    situation("an empty argv[0]", argv0="")
    situation("argv[0] with control bytes", argv0="\x1b[31m\n")
    for numbers in ((0,), (0, 1), (0, 1, 2)):
        situation("closed descriptors %s" % (numbers,), c.close(*numbers), {"no stdout"} if 1 in numbers else ())
    situation("a closed standard error", c.close(2))
    situation("umask 777", lambda: os.umask(0o777))
    situation("one CPU", lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}))
    situation("the lowest priority", lambda: os.nice(19))
    situation("all signals blocked", lambda: signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32)))
    situation("SIGCHLD ignored", lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
    situation("SIGPIPE ignored", lambda: signal.signal(signal.SIGPIPE, signal.SIG_IGN))


def no_arguments_at_all():
    """argv itself empty; kernels since 5.18 make it one empty word. Then sockq lists what it does."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(write, 1)
        os.dup2(write, 2)
        nothing = (c.ctypes.c_char_p * 1)(None)
        c.LIBC.execve(SOCKQ.encode(), nothing, (c.ctypes.c_char_p * 2)(b"LC_ALL=C", None))
        os._exit(126)
    os.close(write)
    text = b""
    while True:
        piece = os.read(read, 65536)
        if not piece:
            break
        text += piece
    os.close(read)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    good = (status == 0 and b"4001" in text) or (status == 2 and text.startswith(b"sockq: ") and text.count(b"\n") == 1)
    print("ok argv of no words" if good else "bad argv of no words: %d %r" % (status, text[:300]))


def small_cgroup():
    base = next((p for p in ("/sys/fs/cgroup/memory", "/sys/fs/cgroup") if os.path.exists(p + "/cgroup.procs")), None)
    folder = "%s/sockq-test-%d" % (base, os.getpid())
    try:
        os.mkdir(folder)
    except (OSError, TypeError) as error:
        print("skipped a memory cgroup of 16 MiB: %s" % error)
        return
    name = next((n for n in ("memory.max", "memory.limit_in_bytes") if os.path.exists(folder + "/" + n)), None)

    def enter():
        with open(folder + "/cgroup.procs", "w") as file:
            file.write("0")
    try:
        if not name:
            print("skipped a memory cgroup of 16 MiB: no memory controller")
            return
        with open(folder + "/" + name, "w") as file:
            file.write(str((256 if SANITIZED else 16) * MB))
        situation("a memory cgroup of 16 MiB", enter)
    finally:
        os.rmdir(folder)


def main():
    if os.geteuid() != 0:
        print("skipped everything: not root")
        return
    try:
        c.unshare(c.CLONE_NEWNET)
    except OSError as error:
        print("skipped everything: no network namespace: %s" % error)
        return
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    make_sockets()
    situation("as it is")
    for group in (limits, memory_files, proc, privileges, filters, surroundings):
        group()
    no_arguments_at_all()
    small_cgroup()
    print("done")


sys.stdout.reconfigure(line_buffering=True)
main()
