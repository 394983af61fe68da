"""Connections that no answer reaches, until the kernel gives them up.

Usage: giveup.py FOLDER [NAME=VALUE...]   in a network namespace of its own

Sets net.ipv4.NAME to VALUE, makes a connection of each kind, and every quarter of a second copies
/proc/net/tcp and the settings into a new folder below FOLDER, a tree that --proc can read. When all
connections are gone, or after 40 seconds, it writes a line a tree to FOLDER/trees: the name and when
it was read; and to FOLDER/ends a line a connection: kind, local port, when it ended (the last time it
was seen, the first time it was not). Times are seconds on one clock.
"""
import fcntl
import os
import socket
import struct
import sys
import time

SO_ATTACH_FILTER = 26
PROC = "/proc/sys/net/ipv4/"


def loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, 0x8914, struct.pack("16sh", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: up, running


def drop_all(sock):
    """Whatever arrives for this socket is dropped without a word."""
    import ctypes
    program = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(program)))


def listener(size=None):
    sock = socket.socket()
    if size:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
    sock.bind(("127.0.0.1", 0))
    sock.listen(8)
    return sock


def pair(size=None):
    server = listener(size)
    client = socket.create_connection(server.getsockname())
    accepted, _ = server.accept()
    server.close()
    return client, accepted


def fill(sock):
    sock.setblocking(False)
    try:
        while sock.send(b"x" * 65536):
            pass
    except BlockingIOError:
        pass


def port(sock):
    return sock.getsockname()[1]


def raw_syn(target):
    """A SYN from an address that nobody has: the SYN-ACKs go to a device that swallows them."""
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH", b"void", 0x1001))  # TUNSETIFF: IFF_TUN, no header
    os.system("ip address add 10.9.0.1/24 dev void && ip link set void up")
    server = socket.socket()
    server.bind(("10.9.0.1", 0))
    server.listen(64)
    source, there = socket.inet_aton("10.9.0.2"), socket.inet_aton("10.9.0.1")

    def checksum(data):
        total = sum(struct.unpack(f"!{len(data) // 2}H", data))
        while total >> 16:
            total = (total & 0xFFFF) + (total >> 16)
        return ~total & 0xFFFF

    def segment(check):
        return struct.pack("!HHIIBBHHH", 4000, port(server), 1, 0, 5 << 4, 2, 65535, check, 0)

    pseudo = source + there + struct.pack("!BBH", 0, 6, 20)
    tcp = segment(checksum(pseudo + segment(0)))

    def header(check):
        return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 1, 0, 64, 6, check, source, there)

    os.write(tun, header(checksum(header(0))) + tcp)
    target.append(tun)
    return server


def make(kept):
    """Yields (kind, local port) of each connection."""
    client, accepted = pair()
    drop_all(client)
    client.send(b"lost")
    kept += [client, accepted]
    yield "data", port(client)

    client, accepted = pair()
    drop_all(client)
    local = port(client)
    client.close()
    kept.append(accepted)
    yield "orphan", local

    server = listener()
    drop_all(server)
    client = socket.socket()
    client.setblocking(False)
    client.connect_ex(server.getsockname())
    kept += [client, server]
    yield "syn", port(client)

    client, accepted = pair()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    drop_all(client)
    kept += [client, accepted]
    yield "keepalive", port(client)

    client, accepted = pair(4096)
    fill(client)
    time.sleep(1)
    drop_all(client)
    kept += [client, accepted]
    yield "probe", port(client)

    if os.access("/dev/net/tun", os.W_OK):
        server = raw_syn(kept)
        kept.append(server)
        yield "syn-ack", port(server)


def rows(text):
    """Local port and state of each row with a remote end."""
    for line in text.splitlines()[1:]:
        words = line.split()
        if not words[2].endswith(":0000"):
            yield int(words[1].split(":")[1], 16), words[3]


def main():
    folder = sys.argv[1]
    loopback_up()
    for word in sys.argv[2:]:
        name, value = word.split("=")
        with open(PROC + name, "w") as file:
            file.write(value)
    kept, kinds = [], {}
    for kind, number in make(kept):
        kinds[number] = kind
    settings = {name: open(PROC + name).read() for name in os.listdir(PROC)
                if name.startswith("tcp_") and "key" not in name.replace("keepalive", "") and
                os.path.isfile(PROC + name)}
    start, seen, gone = time.monotonic(), {}, {}
    count = 0
    with open(folder + "/trees", "w") as trees:
        while len(gone) < len(kinds) and time.monotonic() - start < 40:
            before = time.monotonic()
            text = open("/proc/net/tcp").read()
            here = {number for number, _ in rows(text)}
            for number in kinds:
                if number in here:
                    seen[number] = before
                elif number in seen and number not in gone:
                    gone[number] = time.monotonic()
            count += 1
            tree = f"{folder}/{count}"
            os.makedirs(tree + "/net")
            os.makedirs(tree + "/sys/net/ipv4")
            with open(tree + "/net/tcp", "w") as file:
                file.write(text)
            for name, value in settings.items():
                with open(f"{tree}/sys/net/ipv4/{name}", "w") as file:
                    file.write(value)
            trees.write(f"{count} {before}\n")
            time.sleep(0.25)
    with open(folder + "/ends", "w") as ends:
        for number, kind in kinds.items():
            ends.write(f"{kind} {number} {seen.get(number, 0)} {gone.get(number, 0)}\n")


main()
