"""sockq --follow and sockq.events() beside sockets that are closed, for tests/cli/follow_test.lua.

    python3 follow.py SOCKQ

Runs in a network namespace of its own. Prints a line for each thing that held; the first that does not
ends it with a message. Status 77: no namespace can be made.
"""
import ctypes
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

CLONE_NEWNET, CLONE_NEWUSER = 0x40000000, 0x10000000
NOBODY = 65534
SOCKQ = sys.argv[1]
ALL_GROUPS = 0xF

# What tcp_info counted last, from the bytes that the kernel sent (include/uapi/linux/tcp.h).
COUNTS = """
local ffi, schema, chain = require("ffi"), require("sockq.schema"), require("sockq.chain")
local query = chain.derive(sockq.events("tcp"):where("local_port == %d"), { flags = tonumber(schema.C.SOCKQ_WITH_INFO) })
for s in query:limit(%d):rows() do
  local handle = ffi.cast(schema.row_handle, s)
  local more = schema.text(handle.set, handle.row.diag.more, ffi.sizeof("struct sockq_diag"))
  local diag = ffi.cast("const struct sockq_diag *", more)
  local info = schema.text(handle.set, diag.info, diag.info_len)
  local counts = ffi.cast("const uint64_t *", ffi.cast("const char *", info) + 120)
  print(s.remote_port, tonumber(counts[0]), tonumber(counts[1]))
end
"""


def fail(what, *got):
    sys.exit(f"{what}: {got}")


def enter_namespace():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0 and libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
        print("no network namespace can be made")
        sys.exit(77)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def subscribed():
    """How many sockets follow."""
    with open("/proc/thread-self/net/netlink", encoding="ascii") as file:
        rows = [line.split() for line in file.readlines()[1:]]
    return sum(row[1] == "4" and int(row[3], 16) & ALL_GROUPS != 0 for row in rows)


def drops():
    with open("/proc/thread-self/net/netlink", encoding="ascii") as file:
        return sum(int(line.split()[8]) for line in file.readlines()[1:])


def start(*words, stdout=subprocess.PIPE, **options):
    before = subscribed()
    process = subprocess.Popen([SOCKQ, *words], stdout=stdout, stderr=subprocess.PIPE, text=True, **options)
    end = time.monotonic() + 10
    while subscribed() == before:
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            fail("no subscription", words, process.communicate())
        time.sleep(0.01)
    return process


def end(process, number=None):
    if number:
        process.send_signal(number)
    out, err = process.communicate(timeout=20)
    deadline = time.monotonic() + 5
    while subscribed() and time.monotonic() < deadline:
        time.sleep(0.01)
    return process.returncode, out, err


def connections(count):
    """Connections that are made and closed: (port of the server, {port of the client: bytes sent}, back)."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
        port = server.getsockname()[1]
        yield port
        sent = {}
        for i in range(count):
            client = socket.create_connection(("127.0.0.1", port))
            peer, _ = server.accept()
            client.sendall(b"x" * (i + 1))
            peer.sendall(b"y" * (2 * i + 1))
            peer.recv(1 << 16)
            client.recv(1 << 16)
            sent[client.getsockname()[1]] = (i + 1, 2 * i + 1)
            client.close()
            peer.close()
        yield sent


def close_udp(count):
    for _ in range(count):
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        one.bind(("127.0.0.1", 0))
        one.close()


def each_once():
    made = connections(300)
    port = next(made)
    before = time.time()
    follow = start("--follow", "--ndjson", "-t", f"local_port == {port} and remote_port > 0", "--times", "300",
                   "-c", "closed,remote_port,state,inode,pid,uid,recv_q,expires")
    sent = next(made)
    status, out, err = end(follow)
    rows = [json.loads(line) for line in out.splitlines()]
    if status != 0 or err or sorted(row["remote_port"] for row in rows) != sorted(sent):
        fail("300 sockets", status, err, len(rows))
    for row in rows:
        unknown = [row[name] for name in ("inode", "pid", "uid", "recv_q", "expires")]
        if row["state"] != "CLOSE" or any(value is not None for value in unknown):
            fail("a row", row)
        if not before - 1 <= row["closed"] <= time.time() + 1:
            fail("the time", row, before)
    print("300 sockets, each once")


def last_counts():
    made = connections(100)
    port = next(made)
    follow = start("--trust", "-e", COUNTS % (port, 100))
    sent = next(made)
    status, out, err = end(follow)
    got = {int(a): (int(b), int(c)) for a, b, c in (line.split() for line in out.splitlines())}
    if status != 0 or err or set(got) != set(sent):
        fail("counts", status, err, out)
    for port, (there, back) in sent.items():
        # The server's end: what it sent was acknowledged, the end of the stream with it or not.
        acked, received = got[port]
        if acked not in (back, back + 1) or received not in (there, there + 1):
            fail("bytes", port, got[port], there, back)
    print("100 sockets with their bytes")


def unprivileged():
    def drop():
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    if os.geteuid() != 0:
        return
    # The program may lie where nobody else may look.
    with open(SOCKQ, "rb") as file:
        fd = os.memfd_create("sockq")
        os.write(fd, b"")
        while chunk := file.read(1 << 20):
            os.write(fd, chunk)
    process = subprocess.Popen(["sockq", "--follow", "--csv", "-u", "--times", "2", "-c", "local_port"],
                               executable=f"/proc/self/fd/{fd}", pass_fds=[fd], preexec_fn=drop, cwd="/",
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    limit = time.monotonic() + 10
    while not subscribed() and time.monotonic() < limit and process.poll() is None:
        time.sleep(0.01)
    close_udp(2)
    status, out, err = end(process)
    if status != 0 or len(out.split()) != 3:
        fail("nobody", status, out, err)
    print("two sockets told to nobody")


def at_once_and_interrupt():
    follow = start("--follow", "-u", start_new_session=True)
    status, out, err = end(follow, signal.SIGINT)
    if (status, out, err) != (1, "", ""):
        fail("Ctrl-C without rows", status, out, err)
    follow = start("--follow", "-u", start_new_session=True)
    close_udp(1)
    lines = [follow.stdout.readline(), follow.stdout.readline()]
    if not lines[0].startswith("closed ") or "127.0.0.1:" not in lines[1]:
        fail("the first row", lines)
    close_udp(1)
    line = follow.stdout.readline()
    if "127.0.0.1:" not in line or line.index("udp") != lines[0].index("proto"):
        fail("the second row", line)
    status, out, err = end(follow, signal.SIGINT)
    if (status, out, err) != (0, "", ""):
        fail("Ctrl-C", status, out, err)
    follow = start("--follow", "-u", "-g", "proto", "--csv", start_new_session=True)
    witness = start("--follow", "-u", "--times", "5")
    close_udp(5)
    witness.communicate(timeout=20)
    time.sleep(0.3)
    status, out, err = end(follow, signal.SIGINT)
    if (status, out.split(), err) != (0, ["proto,count", "udp,5"], ""):
        fail("a group", status, out, err)
    print("rows at once; Ctrl-C ends it")


def lost():
    # The kernel tells by a work queue, some time after. Nobody reads a pipe meanwhile.
    with tempfile.NamedTemporaryFile("w") as rows:
        def told():
            with open(rows.name, encoding="ascii") as file:
                return max(0, len(file.read().split()) - 1)

        follow = start("--follow", "-u", "--csv", "-c", "local_port", stdout=rows, start_new_session=True)
        follow.send_signal(signal.SIGSTOP)
        count, limit = 0, time.monotonic() + 15
        while not drops() and time.monotonic() < limit:
            close_udp(2000)
            count += 2000
            time.sleep(0.1)
        follow.send_signal(signal.SIGCONT)
        limit = time.monotonic() + 15
        while told() + drops() < count and time.monotonic() < limit:
            time.sleep(0.05)
        dropped = drops()
        close_udp(3)
        count += 3
        while told() + dropped < count and time.monotonic() < limit:
            time.sleep(0.05)
        status, _, err = end(follow, signal.SIGINT)
        numbers = [int(number) for number in re.findall(r"sock_diag: (\d+) closed sockets were lost, ", err)]
        if status != 3 or dropped == 0 or sum(numbers) != dropped or told() + dropped != count:
            fail("what was lost", status, err, told(), dropped, count, drops(), limit - time.monotonic())
    print("lost sockets are counted")


def between():
    """Other questions are asked while sockets are followed: nothing is missed between the row sets."""
    script = """
local ports = {}
for s in sockq.events("udp"):rows() do
  ports[#ports + 1] = s.local_port
  assert(sockq.udp():count() >= 0)
  if #ports == 200 then break end
end
print(#ports)
local first, second = sockq.events("udp"):rows(), sockq.events("udp"):rows()
print(select(2, pcall(first)))
"""
    follow = start("-e", script)
    close_udp(200)
    status, out, err = end(follow)
    if status != 0 or err or not re.fullmatch(r"200\n[^\n]*a later sockq.events\(\) took the place of this one\n", out):
        fail("between", status, out, err)
    print("200 sockets between other questions")


def main():
    enter_namespace()
    for check in (each_once, last_counts, unprivileged, at_once_and_interrupt, lost, between):
        check()


if __name__ == "__main__":
    main()
