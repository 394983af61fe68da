"""Connections between processes in a network namespace of their own, and what joins them.

Usage: unshare -n python3 pairs.py COMMAND...
Makes connections of several kinds, says on standard output which two sockets belong together as
`oracle PROTO LOCAL REMOTE PID PEER_PID` from /proc/net and /proc/PID/fd alone, then runs COMMAND and passes
on what it says.
"""
import os
import signal
import socket
import struct
import subprocess
import sys

WORKERS = 3


def link_up():
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def listener(family, address):
    sock = socket.socket(family)
    sock.bind((address, 0))
    sock.listen(64)
    return sock


def connect(address, port):
    return socket.create_connection((address, port))


def worker(listeners, ready):
    """A process that accepts on each listener once, and on the first twice."""
    held = [listeners[0].accept()[0]] + [one.accept()[0] for one in listeners]
    os.write(ready, b"x")
    signal.pause()
    del held


def inode_of(link):
    return int(link[8:-1]) if link.startswith("socket:[") else None


def holders():
    first = {}
    for pid in sorted((int(name) for name in os.listdir("/proc") if name.isdigit())):
        try:
            names = os.listdir(f"/proc/{pid}/fd")
        except OSError:
            continue
        for name in names:
            try:
                inode = inode_of(os.readlink(f"/proc/{pid}/fd/{name}"))
            except OSError:
                continue
            if inode is not None:
                first.setdefault(inode, pid)
    return first


def endpoint(text):
    address, port = text.split(":")
    raw = b"".join(struct.pack("=I", int(address[i:i + 8], 16)) for i in range(0, len(address), 8))
    if len(raw) == 16 and raw[:12] == b"\0" * 10 + b"\xff\xff":
        raw = raw[12:]
    return raw, int(port, 16)


def ends(table):
    with open(f"/proc/net/{table}", encoding="ascii") as lines:
        for line in list(lines)[1:]:
            words = line.split()
            local, remote = endpoint(words[1]), endpoint(words[2])
            if remote[1] and words[3] != "0A":
                yield table, local, remote, int(words[9])


def text_of(end):
    return f"{end[0].hex()}:{end[1]}"


def oracle():
    pids = holders()
    for protocol in ("tcp", "udp"):
        rows = list(ends(protocol)) + list(ends(protocol + "6"))
        by_tuple = {}
        for row in rows:
            by_tuple.setdefault((row[1], row[2]), []).append(row)
        for row in rows:
            found = by_tuple.get((row[2], row[1]), [])
            peer = pids.get(found[0][3]) if len(found) == 1 else None
            print("oracle", row[0], row[1][1], row[2][1], pids.get(row[3], "-"), peer or "-")


def main():
    link_up()
    listeners = [listener(socket.AF_INET, "127.0.0.1"), listener(socket.AF_INET6, "::"),
                 listener(socket.AF_INET6, "::1"), listener(socket.AF_INET, "127.0.0.2")]
    ready, told = os.pipe()
    workers = []
    held = []
    for _ in range(WORKERS):
        pid = os.fork()
        if pid == 0:
            os.close(ready)
            worker(listeners, told)
            os._exit(0)
        workers.append(pid)
        for sock, address in zip(listeners[:1] + listeners, ("127.0.0.1", "127.0.0.1", "127.0.0.1", "::1", "127.0.0.2")):
            held.append(connect(address, sock.getsockname()[1]))
        assert os.read(ready, 1) == b"x"
    # Not accepted: no process has the other end.
    held.append(connect("127.0.0.1", listeners[0].getsockname()[1]))
    # Two datagram sockets that know each other, and one that is known by nobody.
    one, two, three = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3))
    one.bind(("127.0.0.1", 0))
    two.bind(("127.0.0.1", 0))
    one.connect(two.getsockname())
    two.connect(one.getsockname())
    three.connect(two.getsockname())
    # Connected to itself.
    own = socket.socket()
    own.bind(("127.0.0.1", 0))
    own.connect(own.getsockname())
    # Closed: what is left is in TIME_WAIT, and its other end is gone.
    gone = connect("::1", listeners[2].getsockname()[1])
    other = listeners[2].accept()[0]
    gone.close()
    other.close()
    oracle()
    sys.stdout.flush()
    status = subprocess.run(sys.argv[1:], check=False).returncode
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    sys.exit(status)


main()
