"""Sockets in trouble, in a network namespace of its own; then a command, with them open.

Usage: unshare -n python3 trouble.py COMMAND...

16 of 20 local ports taken towards one listener, 12 of these connections closed by that side; a listener
with 2 connections that nobody accepts, to which more have come than fit; a peer that reads nothing;
datagrams that found no room.
"""
import fcntl
import socket
import struct
import subprocess
import sys
import time

IPV4 = "/proc/sys/net/ipv4/"


def loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, 0x8914, struct.pack("16sh", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: up, running


def listener(port, backlog):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.bind(("127.0.0.1", port))
    sock.listen(backlog)
    return sock


def main():
    kept = []
    loopback_up()
    with open(IPV4 + "ip_local_port_range", "w") as file:
        file.write("40000 40021")
    with open(IPV4 + "ip_local_reserved_ports", "w") as file:
        file.write("40000-40001")
    server = listener(5000, 50)
    for number in range(16):
        client = socket.create_connection(server.getsockname())
        accepted, _ = server.accept()
        kept.append(client)
        if number < 12:
            accepted.close()
        else:
            kept.append(accepted)
    slow = kept[-2]
    slow.setblocking(False)
    try:
        while slow.send(b"x" * 65536):
            pass
    except BlockingIOError:
        pass
    short = listener(5001, 1)
    for _ in range(4):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(short.getsockname())
        kept.append(client)
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
    receiver.bind(("127.0.0.1", 5002))
    for _ in range(200):
        receiver.sendto(b"x" * 1000, receiver.getsockname())
    time.sleep(1.5)
    return subprocess.call(sys.argv[1:])


sys.exit(main())
