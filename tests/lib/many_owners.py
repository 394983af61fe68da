"""Sockets of many processes in a network namespace of their own, and who holds each: by sockq, and by
a join made here, from /proc/net/tcp and /proc/PID/fd.

    many_owners.py SOCKQ PROCESSES SOCKETS

SOCKETS a process: pairs of a connection over loopback, both ends, and a listener. Some are
duplicated, some inherited by children, some sent to another process. Prints what was compared, or
what differs, and ends with 1; with 77 where no namespace can be made.
"""
import ctypes
import json
import os
import resource
import signal
import socket
import subprocess
import sys

SOCKQ, PROCESSES, SOCKETS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
CLONE_NEWNET, CLONE_NEWUSER, PR_SET_PDEATHSIG = 0x40000000, 0x10000000, 1
FIELDS = ["inode", "pid", "fd", "program", "nprocs", "comm", "exe", "started", "owners", "local_port"]
libc = ctypes.CDLL(None, use_errno=True)


def enter_namespace():
    uid, gid = os.getuid(), os.getgid()
    if libc.unshare(CLONE_NEWNET) != 0:
        if libc.unshare(CLONE_NEWNET | CLONE_NEWUSER) != 0:
            print("SKIPPED: no network namespace can be made here")
            sys.exit(77)
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def hold(number, ready, channel):
    """A process: its sockets, then nothing more until it is killed."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    listener = socket.socket()
    listener.bind((f"127.0.1.{number + 1}", 0))
    listener.listen(64)
    kept = [listener]
    while len(kept) < SOCKETS - 1:
        client = socket.create_connection(listener.getsockname())
        kept += [client, listener.accept()[0]]
    for i, one in enumerate(kept[:]):
        if i % 50 == 7:
            kept += [one.dup(), one.dup()]
    if number % 8 == 1:
        socket.send_fds(channel[0], [b"x"], [kept[3].fileno(), kept[4].fileno()])
    elif number % 8 == 2:
        kept += [socket.socket(fileno=fd) for fd in socket.recv_fds(channel[1], 1, 2)[1]]
    children = 0
    if number % 4 == 0:
        for _ in range(2):
            if os.fork() == 0:
                libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
                # A hole in the numbers of the descriptors.
                kept[5].close()
                os.write(ready, b"c")
                signal.pause()
            children += 1
    os.write(ready, b"p")
    signal.pause()


def start():
    """@return the pids of the processes, once all sockets stand"""
    readable, ready = os.pipe()
    pids = []
    channel = None
    for number in range(PROCESSES):
        if number % 8 == 1:
            channel = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            os.close(readable)
            try:
                hold(number, ready, channel)
            finally:
                os._exit(1)
        pids.append(pid)
    os.close(ready)
    wanted = PROCESSES + 2 * len(range(0, PROCESSES, 4))
    while wanted > 0:
        came = len(os.read(readable, 4096))
        if came == 0:
            sys.exit("a process ended before its sockets stood")
        wanted -= came
    return pids


def read(path):
    with open(path, "rb") as file:
        return file.read()


def process_of(pid):
    words = read(f"/proc/{pid}/stat").decode("latin1").rpartition(")")[2].split()
    name = read(f"/proc/{pid}/cmdline").split(b"\0")[0].decode()
    return {"pid": int(pid), "program": os.path.basename(name) if name.startswith("/") else name,
            "comm": read(f"/proc/{pid}/comm").decode().rstrip("\n"), "exe": os.readlink(f"/proc/{pid}/exe"),
            "ticks": int(words[19])}


def join():
    """inode → its owners in the order of the folders, for each row of /proc/net/tcp that has one."""
    owners = {int(line.split()[9]): [] for line in read("/proc/self/net/tcp").decode().splitlines()[1:]}
    owners.pop(0, None)
    for pid in os.listdir("/proc"):
        if not pid.isdigit():
            continue
        process = None
        try:
            for fd in os.listdir(f"/proc/{pid}/fd"):
                text = os.readlink(f"/proc/{pid}/fd/{fd}")
                inode = int(text[8:-1]) if text.startswith("socket:[") else None
                if inode in owners:
                    process = process or process_of(pid)
                    owners[inode].append((process, int(fd)))
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            continue
    return owners


def expected_of(owners):
    boot = next(int(line[6:]) for line in read("/proc/stat").decode().splitlines() if line.startswith("btime "))
    hz = os.sysconf("SC_CLK_TCK")
    rows = {}
    for inode, held in owners.items():
        first, fd = held[0]
        rows[inode] = {"inode": inode, "fd": fd, "nprocs": len({one["pid"] for one, _ in held}),
                       "owners": [(one["pid"], number, one["program"]) for one, number in held],
                       "started": boot + first["ticks"] / hz, **{name: first[name] for name in ("pid", "program", "comm", "exe")}}
    return rows


def sockq_rows(cpus):
    run = subprocess.run([SOCKQ, "-t", "-4", "-a", "--ndjson", "-c", ",".join(FIELDS)], capture_output=True, check=False,
                         preexec_fn=lambda: os.sched_setaffinity(0, cpus))
    if run.returncode not in (0, 3):
        sys.exit(f"sockq ended with {run.returncode}: {run.stderr.decode()}")
    rows = {}
    for line in run.stdout.decode().splitlines():
        row = json.loads(line)
        if row.get("inode"):
            if row["inode"] in rows:
                sys.exit(f"inode {row['inode']} is there twice")
            row.pop("local_port")
            row["owners"] = [(one["pid"], one["fd"], one["program"]) for one in row["owners"]]
            rows[row["inode"]] = row
    return rows


def compare(what, expected, rows):
    if expected.keys() != rows.keys():
        sys.exit(f"{what}: {len(expected)} sockets are expected, {len(rows)} came")
    for inode, want in expected.items():
        got = rows[inode]
        # The machine's start is its clock less its uptime: it may move by a second.
        off = abs((got.pop("started") or 0) - want["started"])
        differs = [name for name in want if name != "started" and want[name] != got.get(name)]
        if differs or off > 1.01:
            sys.exit(f"{what}: inode {inode}: {differs or 'started'}:\n want {want}\n got  {got} ({off} s off)")
    owners = sum(len(one["owners"]) for one in expected.values())
    shared = sum(one["nprocs"] > 1 for one in expected.values())
    print(f"{what}: {len(rows)} sockets, {owners} owners, {shared} sockets of several processes")


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    enter_namespace()
    pids = start()
    try:
        expected = expected_of(join())
        if len(expected) < PROCESSES * (SOCKETS - 2):
            sys.exit(f"only {len(expected)} sockets were made")
        cpus = os.sched_getaffinity(0)
        compare("all CPUs", expected, sockq_rows(cpus))
        compare("one CPU", expected, sockq_rows({min(cpus)}))
    finally:
        # Their children end with them.
        for pid in pids:
            os.kill(pid, signal.SIGKILL)


main()
