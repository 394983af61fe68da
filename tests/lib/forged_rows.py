"""Bind unix sockets whose names forge rows of /proc/net/unix, and compare sockq with sock_diag.

    unshare -n python3 tests/lib/forged_rows.py SOCKQ FOLDER

The network namespace is the test's own; FOLDER is empty and its own as well. Prints a line a check:
"ok NAME" or "FAIL NAME: WHY", and "count NAME N".
"""

import json
import os
import re
import socket
import struct
import subprocess
import sys
import threading
import time

SOCKQ, FOLDER = sys.argv[1:3]
PLAIN_RUNS, FORGING_RUNS = 40, 40


def check(name, fine, why=""):
    print("ok " + name if fine else "FAIL %s: %s" % (name, str(why)[:600].replace("\n", "\\n")), flush=True)


def attributes(data):
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        yield kind & 0x3FFF, data[4:length]
        data = data[(length + 3) & ~3:]


def kernel():
    """{ inode: (type, name in the form of /proc/net/unix or None) }, by unix_diag."""
    found = {}
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4) as link:
        link.bind((0, 0))
        request = struct.pack("=BBHIIIII", socket.AF_UNIX, 0, 0, 0xFFFFFFFF, 0, 1, 0, 0)
        link.send(struct.pack("=IHHII", 16 + len(request), 20, 0x301, 1, 0) + request)
        while True:
            data = link.recv(1 << 16)
            while data:
                length, kind = struct.unpack_from("=IH", data)
                if kind == 3:
                    return found
                assert kind == 20, kind
                _, sort, _, _, inode = struct.unpack_from("=BBBBI", data, 16)
                name = None
                for attribute, value in attributes(data[32:length]):
                    if attribute == 0:
                        value = value[:-1] if value[:1] != b"\0" else value
                        name = value.replace(b"\0", b"@")
                found[inode] = (sort, name)
                data = data[(length + 3) & ~3:]


def rows(*words, status=(0, 1)):
    got = subprocess.run([SOCKQ, *words, "--json", "-c", "inode,type,state,path,suspect,pid"],
                         capture_output=True, timeout=60, check=False)
    if got.returncode not in status:
        raise AssertionError("status %d: %s" % (got.returncode, got.stderr))
    return json.loads(got.stdout or b"[]"), got.stderr.decode()


def row(inode, name=b"", pointer=b"0000000000000000", state=1, sort=1):
    text = b"%s: 00000002 00000000 00010000 %04X %02X %5d" % (pointer, sort, state, inode)
    return text + (b" " + name if name else b"")


def bound(name, sort=socket.SOCK_STREAM):
    one = socket.socket(socket.AF_UNIX, sort)
    one.bind(name)
    if sort == socket.SOCK_STREAM:
        one.listen(9)
    return one


def inode_of(one):
    return os.fstat(one.fileno()).st_ino


class Victim:
    """A process of its own that holds two sockets and a TCP listener."""

    def __init__(self):
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.pid = os.fork()
        if self.pid == 0:
            here.close()
            held = [bound(b"\0real"), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM), socket.socket()]
            there.send(json.dumps([inode_of(one) for one in held]).encode())
            there.recv(1)
            os._exit(0)
        there.close()
        self.link = here
        self.named, self.unnamed, self.tcp = json.loads(here.recv(999))

    def end(self):
        self.link.send(b"x")
        os.waitpid(self.pid, 0)


def names(victim):
    real, other = victim.named, victim.unnamed
    two = row(real, pointer=b"0") + b"\n" + row(other, pointer=b"0")
    return {
        "a real inode": b"\0a\n" + row(real, b"@evil"),
        "a real inode without a name": b"\0b\n" + row(other, sort=2),
        "an inode of a TCP socket": b"\0c\n" + row(victim.tcp, b"@evil"),
        "a made-up inode": b"\0d\n" + row(777777777, b"@made"),
        "inode 0": b"\0e\n" + row(0, b"@zero", state=2),
        "two rows": b"\0f\n" + two,
        "two rows and more": b"\0g\n" + two + b" \n\n",
        "107 bytes, the row ends exactly": b"\0" + b"h" * (107 - 1 - len(row(real))) + b"\n" + row(real),
        "107 bytes, a name that fills it": (b"\0i\n" + row(real) + b" ").ljust(108, b"y"),
        "107 bytes, no row": (b"\0j\n" + row(real)).ljust(108, b"x"),
        "lines behind the row": b"\0k\n" + row(other) + b"\ntail\n\nx",
        "a line feed alone": b"\0\n",
        "two lines, no row": b"\0l\nplain",
        "line feeds at both ends": b"\0\nm\n\n",
        "a path": (FOLDER + "/n\n").encode() + row(real)[: 107 - len(FOLDER) - 3],
        "a row in other letters": b"\0o\n" + row(real).lower(),
        "CR LF": b"\0p\r\n" + row(real) + b"\r",
        "escape sequences": b"\0q\x1b[2J\n" + row(real, b"\x1b]0;x\x07"),
    }


def compare(title, victim, listed):
    """Rows against the kernel: each socket once, its name whole, its owner its own."""
    there = kernel()
    with_inode = [one for one in listed if one["inode"] is not None]
    inodes = [one["inode"] for one in with_inode]
    check(title + ": the inodes are the kernel's, each once", sorted(inodes) == sorted(there),
          (set(inodes) ^ set(there), [i for i in inodes if inodes.count(i) > 1]))
    wrong = [one for one in with_inode if one["inode"] in there and
             (one["path"] or "").encode() != (there[one["inode"]][1] or b"")]
    check(title + ": names are whole", not wrong, wrong)
    for inode in (victim.named, victim.unnamed):
        owners = [one["pid"] for one in listed if one["inode"] == inode]
        check(title + ": a true row keeps its owner", owners == [victim.pid], owners)
    mine = os.getpid()
    stolen = [one for one in with_inode
              if one["pid"] not in (mine, victim.pid) or (one["pid"] == victim.pid) != (
                  one["inode"] in (victim.named, victim.unnamed, inode_of_link(victim)))]
    check(title + ": no row has another's owner", not stolen, stolen)


def inode_of_link(victim):
    """The victim's end of its link to us."""
    for name in os.listdir("/proc/%d/fd" % victim.pid):
        text = os.readlink("/proc/%d/fd/%s" % (victim.pid, name))
        if text.startswith("socket:["):
            inode = int(text[8:-1])
            if inode not in (victim.named, victim.unnamed, victim.tcp):
                return inode
    return None


ROW = re.compile(rb"[!-9;-~]+: [0-9A-F]{8} [0-9A-F]{8} [0-9A-F]{8} [0-9A-F]{4} [0-9A-F]{2} (?=[ \d]{5}) *\d+( .*)?", re.S)


def forged_lines(name):
    """How many lines of a name are rows to whoever reads the text alone."""
    return sum(ROW.fullmatch(line) is not None for line in name.split(b"\n")[1:])


def one_name(victim, title, name):
    held = bound(name)
    try:
        listed, told = rows("-x")
        compare(title, victim, listed)
        count = forged_lines(name)
        marked = [one["inode"] for one in listed if one["suspect"] == "forges"]
        check(title + ": the forger is marked", marked == ([inode_of(held)] if count else []), (count, marked))
        check(title + ": it is told", ("in the form of" in told) == (count > 0), told)
        check(title + ": no row is suspect", not [one for one in listed if one["suspect"] == "forged"], listed)
        compare(title + ", by sock_diag", victim, rows("-x", "--source", "diag")[0])
        shown = subprocess.run([SOCKQ, "netstat", "-xan"], capture_output=True, timeout=60, check=False).stdout
        check(title + ": netstat lists as many", shown.count(b"\n") == 2 + len(kernel()), shown)
    finally:
        held.close()
        if name[:1] == b"/":
            os.unlink(name)


def all_names(victim, every):
    held = [bound(name) for name in every.values()]
    waiting = []
    for one in held[:4]:
        client = socket.socket(socket.AF_UNIX)
        client.connect(one.getsockname())
        waiting.append(client)
    listed, _ = rows("-x")
    compare("all at once", victim, listed)
    embryos = [one for one in listed if one["inode"] is None]
    check("connections that wait are listed once", len(embryos) == 4, embryos)
    check("connections that wait have their listener's whole name",
          sorted(one["path"].encode() for one in embryos) == sorted(
              one.getsockname().replace(b"\0", b"@") for one in held[:4]), embryos)
    path = FOLDER + "/recording"
    subprocess.run([SOCKQ, "record", path, "-x"], check=False, timeout=60, capture_output=True)
    again, _ = rows("--read", path, "-x")
    check("a recording keeps the marks",
          sorted(one["inode"] or 0 for one in again if one["suspect"] == "forges") == sorted(
              one["inode"] or 0 for one in listed if one["suspect"] == "forges"), again)
    for one in held + waiting:
        one.close()


class Churn:
    """Threads that bind and close sockets, some with names that forge."""

    def __init__(self, make, threads=3):
        self.going, self.made = True, 0
        self.threads = [threading.Thread(target=self.run, args=(make, number)) for number in range(threads)]
        for thread in self.threads:
            thread.start()

    def run(self, make, number):
        turn, held = 0, []
        while self.going:
            held.append(make(number, turn))
            turn += 1
            if len(held) > 40:
                held.pop(0).close()
            if turn % 100 == 0:
                time.sleep(0.001)
        self.made += turn
        for one in held:
            one.close()

    def end(self):
        self.going = False
        for thread in self.threads:
            thread.join()


def honest(number, turn):
    if turn % 3 == 0:
        return socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    return bound(b"\0h%d.%d" % (number, turn), socket.SOCK_DGRAM)


def run_beside(title, victim, make, runs):
    """Sockets that live are listed once with their owner, whatever comes and goes beside them."""
    lives = [bound(b"\0life%d" % i, socket.SOCK_DGRAM) for i in range(40)]
    wanted = {inode_of(one): os.getpid() for one in lives}
    wanted[victim.named] = wanted[victim.unnamed] = victim.pid
    churn = Churn(make)
    marked, wrong, seen = 0, [], 0
    try:
        for _ in range(runs):
            listed, _ = rows("-x")
            seen += len(listed)
            marked += sum(one["suspect"] == "forged" for one in listed)
            owners = {}
            for one in listed:
                if one["inode"] in wanted:
                    owners.setdefault(one["inode"], []).append(one["pid"])
            for inode, pid in wanted.items():
                got = sorted(owners.get(inode, []), key=str)
                if [one for one in got if one is not None] != [pid]:
                    wrong.append((inode, got))
    finally:
        churn.end()
        for one in lives:
            one.close()
    check(title + ": each socket that lives has its owner, no other row has it", not wrong, wrong[:5])
    print("count %s: %d runs, %d rows, %d sockets came and went, %d marked" %
          (title, runs, seen, churn.made, marked), flush=True)
    return marked


def captured(victim):
    """A tree has no kernel to ask: a second row with one inode is suspect and nobody's."""
    tree = FOLDER + "/tree"
    os.makedirs(tree + "/net")
    os.makedirs(tree + "/7/fd")
    os.symlink("socket:[500]", tree + "/7/fd/3")
    with open(tree + "/7/cmdline", "wb") as file:
        file.write(b"/bin/server\0")
    with open(tree + "/net/unix", "wb") as file:
        file.write(b"Num RefCount Protocol Flags Type St Inode Path\n" + row(400) + b"\n" + row(500, b"@real") + b"\n"
                   + row(600, b"@a" + b"y" * 60) + b"\n" + row(601, b"@a\n" + row(500, b"@evil")) + b"\n")
    listed, told = rows("--proc", tree, "-x")
    got = [(one["inode"], one["suspect"], one["pid"]) for one in listed]
    check("a captured tree: a forged inode is suspect and nobody's",
          got == [(400, None, None), (500, None, 7), (600, None, None), (601, None, None), (500, "repeated", None)], got)
    check("a captured tree: it is told", "1 row may be text of the name of another socket" in told, told)
    shown = subprocess.run([SOCKQ, "--proc", tree, "netstat", "-xanp"], capture_output=True, timeout=60,
                           check=False).stdout.decode()
    check("a captured tree: netstat marks the row", shown.count("7/server") == 1 and "(suspect) @evil" in shown, shown)


def main():
    victim = Victim()
    every = names(victim)
    for title, name in every.items():
        one_name(victim, title, name)
    all_names(victim, every)
    captured(victim)
    marked = run_beside("sockets that come and go", victim, honest, PLAIN_RUNS)
    check("no honest row is marked while sockets come and go", marked == 0, marked)

    def forging(number, turn):
        if turn % 4:
            return honest(number, turn)
        return bound(b"\0%d.%d\n" % (number, turn) + row(victim.named, b"@real" if turn % 8 else b"@evil"))

    run_beside("forgers that come and go", victim, forging, FORGING_RUNS)
    victim.end()
    print("count names: %d" % len(every), flush=True)


main()
