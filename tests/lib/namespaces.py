"""Network namespaces with sockets, for tests/cli/netns_kernel_test.lua.

Runs in mount, network and PID namespaces of its own with a /proc of its own. Prints "NAME PID" for
each namespace, PID the lowest in it or 0, then "ready", and stays until its input ends.
"""
import ctypes
import os
import signal
import socket
import subprocess
import sys

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
ODD = "a,b\x1b[1m"
KEPT = []


def check(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def enter(path):
    with open(path, "rb") as file:
        check(LIBC.setns(file.fileno(), CLONE_NEWNET))


def named(name):
    subprocess.run(["ip", "netns", "add", name], check=True)
    return "/run/netns/" + name


def listen(port, family=socket.AF_INET):
    one = socket.socket(family)
    one.bind(("", port))
    one.listen()
    KEPT.append(one)


def connect(port):
    one = socket.create_connection(("127.0.0.1", port))
    KEPT.extend([one, KEPT[0].accept()[0]])


def stay(work, others):
    """A child that works, with others that do nothing, all in one namespace; its pid."""
    told, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        work()
        for _ in range(others):
            if os.fork() == 0:
                break
        os.write(tell, b"x")
        while True:
            signal.pause()
    for _ in range(others + 1):
        os.read(told, 1)
    return pid


def lo_up():
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def in_blue():
    enter("/run/netns/blue")
    lo_up()
    listen(7001)
    listen(7002, socket.AF_INET6)
    connect(7001)
    # A device with a number that has another name elsewhere, or none.
    if subprocess.run(["ip", "link", "add", "here0", "type", "veth", "peer", "name", "here1"], check=False).returncode == 0:
        one = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        one.bind(("here0", 3))
        KEPT.append(one)


def in_odd():
    enter("/run/netns/" + ODD)
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.bind(("", 7004))
    KEPT.append(one)


def in_unnamed():
    check(LIBC.unshare(CLONE_NEWNET))
    listen(7005)
    listen(7001)


def main():
    os.makedirs("/run/netns", exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run/netns"], check=True)
    for name in ("blue", "red", ODD):
        named(name)
    with open("/run/netns/left-over", "w", encoding="ascii"):
        pass
    print("blue", stay(in_blue, 3))
    print("odd", stay(in_odd, 0))
    print("unnamed", stay(in_unnamed, 5))
    # A namespace without a process may hold a socket: a process elsewhere has it.
    enter("/run/netns/red")
    listen(7003)
    enter("/proc/1/ns/net")
    print("red", 0)
    listen(7000)
    print("own", os.getpid())
    print("ready", flush=True)
    sys.stdin.read()


main()
