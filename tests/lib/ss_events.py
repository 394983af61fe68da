"""sockq ss -E beside the real ss -E, on terminals and into a pipe, for tests/cli/ss_events_test.lua.

    python3 ss_events.py SOCKQ

Runs in a network namespace of its own. Prints "N listings, M rows" and what else held; what does not ends it with a
message. Status 77: no namespace can be made.
"""
import atexit
import fcntl
import os
import pty
import re
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time

from follow import enter_namespace, subscribed

SOCKQ = sys.argv[1]
# A line of words, the terminal's columns, rows that it must have at least.
LINES = [
    ("-E", 200, 28), ("-E", 61, 28), ("-En", 120, 28), ("-EH", 150, 28), ("-EHt -n", 90, 16), ("-Eu", 100, 8),
    ("-Eun", 20, 8), ("-E4t", 133, 8), ("-E6 -tn", 80, 8), ("-4 -6 -Etn", 80, 16), ("-Etni", 250, 16), ("-Etnoi", 100, 16),
    ("-Etnie", 250, 16), ("-EtniO", 300, 16), ("-Etnim", 80, 16), ("-Ene", 99, 28), ("-Enp --tos --cgroup", 120, 28),
    ("-Etn --inet-sockopt", 120, 16), ("-Eta", 120, 16), ("-Etl", 120, 16), ("-E -tn state established", 100, 16),
    ("-En -t state listening exclude listening", 100, 16), ("-A tcp,unix -E", 100, 16), ("-xE -u", 100, 8),
    ("-En sport = :5001", 100, 4), ("-En dport = :5001", 100, 4), ("-En src 127.0.0.1", 100, 12), ("-Etn src [::1]", 100, 8),
    ("-Etn not ( sport = :5001 or dport = :5001 )", 100, 8), ("-En src inet6:[::/0]", 100, 12), ("-E dev lo", 100, 0),
    ("-En autobound", 100, 4), ("-Er -t4", 100, 8),
]
EARLY = ["-E -x", "-E -w", "-Ed", "-Ef netlink", "-E -A packet", "-E -t bogus", "-E -t sport = :nosuch"]


class Listing:
    """A program whose output is a terminal."""

    def __init__(self, words, columns):
        self.master, slave = pty.openpty()
        attributes = termios.tcgetattr(slave)
        attributes[1] &= ~termios.OPOST
        termios.tcsetattr(slave, termios.TCSANOW, attributes)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen(words, stdout=slave, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                                        start_new_session=True)
        os.close(slave)
        atexit.register(self.process.kill)
        self.text = b""
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        while True:
            try:
                part = os.read(self.master, 65536)
            except OSError:
                return
            if not part:
                return
            self.text += part

    def end(self):
        self.process.send_signal(signal.SIGINT)
        err = self.process.stderr.read()
        status = self.process.wait(timeout=20)
        self.reader.join(timeout=20)
        os.close(self.master)
        return status, err


def wait_for(condition, what):
    limit = time.monotonic() + 60
    while not condition():
        if time.monotonic() > limit:
            sys.exit(what())
        time.sleep(0.03)


def close_tcp(address, family, port):
    server = socket.create_server((address, port), family=family, backlog=4)
    port = server.getsockname()[1]
    for i in range(2):
        client = socket.create_connection((address, port))
        peer, _ = server.accept()
        client.sendall(b"x" * (100 * i + 1))
        peer.recv(1 << 16)
        # No state waits behind a reset: both ends are destroyed now.
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
        client.close()
    server.close()


def close_udp(address, family, port, count):
    for _ in range(count):
        one = socket.socket(family, socket.SOCK_DGRAM)
        one.bind((address, port))
        one.connect((address, 53))
        one.close()


def close_some():
    for address, family in (("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)):
        for port in (5001, 22):
            close_tcp(address, family, port)
        close_udp(address, family, 68, 2)
        close_udp(address, family, 0, 2)


def rows(text):
    """Lines but the header; what -i and -m add stands behind a tab."""
    return len(re.findall(rb"\n(?!\t)", text)) - text.startswith((b"Netid", b"State", b"Recv-Q"))


def listings():
    pairs = []
    for line, columns, least in LINES:
        for program in (["ss"], [SOCKQ, "ss"]):
            pairs.append((line, least, Listing([*program, *line.split()], columns)))
    wait_for(lambda: subscribed() >= len(pairs),
             lambda: f"{subscribed()} of {len(pairs)} follow: {[one[0] for one in pairs if one[2].process.poll()]}")
    close_some()
    total = 0
    for (line, least, real), (_, _, ours) in zip(pairs[::2], pairs[1::2]):
        wait_for(lambda: real.text == ours.text and rows(real.text) >= least,
                 lambda: f"ss {line}: {least} rows\n{real.text.decode()}\n{ours.text.decode()}")
        total += rows(real.text)
    print(f"{len(LINES)} listings, {total} rows")
    for line, _, one in pairs:
        status, err = one.end()
        if err or status != -signal.SIGINT:
            sys.exit(f"the end of {line}: {status} {err}")
    print("ends on Ctrl-C as ss does")


def pipe():
    process = subprocess.Popen([SOCKQ, "ss", "-Eun"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               start_new_session=True)
    wait_for(lambda: subscribed() == 1, lambda: "nobody follows")
    close_udp("127.0.0.1", socket.AF_INET, 5353, 1)
    first = [process.stdout.readline(), process.stdout.readline()]
    if not first[0].startswith(b"Recv-Q") or b"127.0.0.1:5353" not in first[1]:
        sys.exit(f"into a pipe: {first}")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    if out or err or process.returncode != -signal.SIGINT:
        sys.exit(f"into a pipe: {process.returncode} {out} {err}")
    print("rows at once, into a pipe too")


def early():
    for line in EARLY:
        def run(*program):
            one = subprocess.run([*program, *line.split()], capture_output=True, timeout=20, check=False)
            return one.returncode, one.stdout, one.stderr.split(b"\n")[0]
        real, ours = run("ss"), run(SOCKQ, "ss")
        if real != ours:
            sys.exit(f"ss {line}: {real} {ours}")
    print(f"{len(EARLY)} that end at once")


def main():
    enter_namespace()
    for check in (listings, pipe, early):
        check()


main()
