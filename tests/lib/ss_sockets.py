"""Sockets of every family and state that a namespace of their own can hold, for tests that compare ss.

Usage: unshare -mn python3 ss_sockets.py COMMAND...
Makes them, runs COMMAND while they stand still, and ends with its status.
"""
import ctypes
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading

KEPT = []
CLONE_FILES, PR_SET_NAME = 0x400, 15
CONGESTION, ULP, MD5SIG, MPTCP = 13, 31, 14, 262
# Of each kind of bytes that ss tells apart.
KEY = b"key\x01\x7f\xff,b \\[]~!+-"


def quiet(*words):
    subprocess.run(words, check=False, stderr=subprocess.DEVNULL)


def option(sock, level, name, value):
    """What not every kernel has is left out."""
    try:
        sock.setsockopt(level, name, value)
    except OSError:
        pass


def listener(family, address, **more):
    sock = socket.socket(family)
    for name, value in more.items():
        level = socket.IPPROTO_IPV6 if name == "IPV6_V6ONLY" else socket.SOL_SOCKET
        option(sock, level, getattr(socket, name, 0), value)
    sock.bind(address)
    sock.listen(more.get("backlog", 7))
    KEPT.append(sock)
    return sock


def pair(server, congestion=None):
    client = socket.socket(server.family)
    if congestion:
        option(client, socket.IPPROTO_TCP, CONGESTION, congestion)
    client.connect(server.getsockname()[:2])
    other = server.accept()[0]
    KEPT.extend([client, other])
    return client, other


def tcp():
    server = listener(socket.AF_INET, ("127.0.0.1", 5001))
    server6 = listener(socket.AF_INET6, ("::1", 5001), IPV6_V6ONLY=1)
    listener(socket.AF_INET6, ("::", 5002), IPV6_V6ONLY=1)
    dual = listener(socket.AF_INET6, ("::", 5003), IPV6_V6ONLY=0)
    listener(socket.AF_INET, ("10.9.9.1", 22), SO_BINDTODEVICE=b"d0\0")
    listener(socket.AF_INET, ("0.0.0.0", 80), SO_MARK=0x2a)
    # struct tcp_md5sig, of IPv4: an address, the key's length, the key.
    address = struct.pack("=H2x4s120x", socket.AF_INET, socket.inet_aton("192.0.2.1"))
    option(listener(socket.AF_INET, ("127.0.0.1", 179)), socket.IPPROTO_TCP, MD5SIG,
           address + struct.pack("=BBHi80s", 0, 0, len(KEY), 0, KEY))
    KEPT.append(socket.socket())
    KEPT[-1].bind(("127.0.0.1", 5055))
    client, other = pair(server)
    client.sendall(b"x" * 5000)
    client, other = pair(server, b"reno")
    for _ in range(50):
        client.sendall(b"y" * 6000)
        other.recv(6000, socket.MSG_WAITALL)
    client, other = pair(server6)
    other.sendall(b"z" * 70)
    option(client, socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    client, other = pair(server)
    client.shutdown(socket.SHUT_WR)
    client, other = pair(server)
    option(client, socket.IPPROTO_IP, socket.IP_TOS, 0x10)
    option(client, socket.IPPROTO_TCP, ULP, b"tls")
    client = socket.create_connection(("127.0.0.1", 5003))
    KEPT.extend([client, dual.accept()[0]])
    # In TIME_WAIT, and in CLOSE_WAIT with the other end gone.
    client, other = pair(server)
    client.close()
    other.close()
    client, other = pair(server)
    client.close()
    # A full queue of a listener.
    waiting = listener(socket.AF_INET, ("127.0.0.1", 5009), backlog=3)
    for _ in range(3):
        KEPT.append(socket.create_connection(waiting.getsockname()))
    # Nobody answers.
    lost = socket.socket()
    lost.setblocking(False)
    lost.connect_ex(("10.9.9.77", 9))
    KEPT.append(lost)


def mptcp():
    try:
        server = socket.socket(socket.AF_INET, socket.SOCK_STREAM, MPTCP)
    except OSError:
        return
    server.bind(("127.0.0.1", 5020))
    server.listen(4)
    client = socket.socket(socket.AF_INET, socket.SOCK_STREAM, MPTCP)
    client.connect(("127.0.0.1", 5020))
    KEPT.extend([server, client, server.accept()[0]])
    client.sendall(b"x" * 40)


def datagrams():
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        server = socket.socket(family, socket.SOCK_DGRAM)
        server.bind((address, 53))
        client = socket.socket(family, socket.SOCK_DGRAM)
        client.connect((address, 53))
        client.send(b"a datagram")
        KEPT.extend([server, client])
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    option(bound, socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo\0")
    option(bound, socket.IPPROTO_IP, socket.IP_TOS, 0x20)
    option(bound, socket.IPPROTO_IP, 11, 1)
    bound.bind(("0.0.0.0", 68))
    KEPT.append(bound)
    for protocol in (socket.IPPROTO_ICMP, socket.IPPROTO_UDP, 89):
        KEPT.append(socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol))
    KEPT.append(socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6))


def unix(folder):
    for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
        server = socket.socket(socket.AF_UNIX, kind)
        server.bind("%s/%d.socket" % (folder, kind))
        server.listen(5)
        client = socket.socket(socket.AF_UNIX, kind)
        client.connect(server.getsockname())
        KEPT.extend([server, client, server.accept()[0]])
        client.send(b"hello")
        # Two that wait for accept.
        for _ in range(2):
            KEPT.append(socket.socket(socket.AF_UNIX, kind))
            KEPT[-1].connect(server.getsockname())
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
        KEPT.extend(socket.socketpair(socket.AF_UNIX, kind))
        KEPT[-1].shutdown(socket.SHUT_RD)
    datagram = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    datagram.bind(b"\0abstract\0with nul")
    KEPT.append(datagram)
    blank = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    blank.bind(folder + "/a name")
    KEPT.append(blank)
    KEPT.append(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))


def others():
    for kind, protocol in ((socket.SOCK_RAW, 3), (socket.SOCK_DGRAM, 0x0806), (socket.SOCK_RAW, 0x1234)):
        sock = socket.socket(socket.AF_PACKET, kind, socket.htons(protocol))
        sock.bind(("lo", protocol))
        KEPT.append(sock)
    # One instruction: take all of a packet.
    code = struct.pack("HBBI", 6, 0, 0, 0xffff)
    memory = (ctypes.c_char * len(code)).from_buffer_copy(code)
    program = struct.pack("HL", 1, ctypes.addressof(memory))
    option(KEPT[-1], socket.SOL_SOCKET, 26, program)
    KEPT.append(memory)
    for protocol, groups in ((0, 0), (15, 1), (16, 0)):
        sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
        sock.bind((0, groups))
        KEPT.append(sock)


def threads():
    """Three besides the first; the descriptors of one are its own."""
    libc = ctypes.CDLL(None, use_errno=True)
    ready = threading.Barrier(4)

    def run(number):
        libc.prctl(PR_SET_NAME, b"thread) %d" % number, 0, 0, 0)
        if number == 2 and libc.unshare(CLONE_FILES) == 0:
            sock = socket.socket()
            sock.bind(("127.0.0.1", 5077))
            sock.listen(1)
            KEPT.append(sock)
        ready.wait()
        threading.Event().wait()

    for number in range(3):
        threading.Thread(target=run, args=(number,), daemon=True).start()
    ready.wait()


def main():
    for words in (("link", "set", "lo", "up"), ("link", "add", "d0", "type", "veth", "peer", "name", "d1"),
                  ("addr", "add", "10.9.9.1/24", "dev", "d0"), ("link", "set", "d0", "up"), ("link", "set", "d1", "up")):
        quiet("ip", *words)
    with tempfile.TemporaryDirectory() as folder:
        tcp()
        mptcp()
        datagrams()
        unix(folder)
        others()
        threads()
        return subprocess.run(sys.argv[1:], check=False, pass_fds=()).returncode


if __name__ == "__main__":
    sys.exit(main())
