"""Makes app-1.rec, the sockets of a small host as sock_diag tells of them:

    RECORD="$PWD/build/release/sockq --source diag record $PWD/tests/data/recordings/app-1.rec --from tcp,unix" \
        unshare -nupm --fork --mount-proc sh -c 'hostname app-1; exec /usr/bin/python3 -' <tests/data/recordings/app-1.py

as root. Its programs are Python under other names. RECORD is run while they hold their sockets."""
import os
import socket
import subprocess
import time

ADDRESSES = ("192.0.2.1", "192.0.2.20", "192.0.2.30", "198.51.100.7", "203.0.113.5")
SENT = (("192.0.2.20", b"bbr", 3000000), ("192.0.2.30", b"cubic", 800000), ("198.51.100.7", b"reno", 400000),
        ("203.0.113.5", b"cubic", 90000))
PATH = "/run/app.sock"

subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
for address in ADDRESSES:
    subprocess.run(["ip", "address", "add", address + "/32", "dev", "lo"], check=True)
subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)


def listener(port, backlog, room=None):
    made = socket.socket()
    if room:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
    made.bind((ADDRESSES[0], port))
    made.listen(backlog)
    return made


def connect(source, port, control=b"cubic"):
    made = socket.socket()
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, control)
    made.bind((source, 0))
    made.settimeout(20)
    made.connect((ADDRESSES[0], port))
    return made


def drain(end, size):
    """Read so many bytes in a process of its own."""
    if os.fork() == 0:
        while size > 0:
            size -= len(end.recv(65536))
        os._exit(0)


web, database, full = listener(443, 128), listener(5432, 64, 8192), listener(8080, 4)
curl, nginx = [], [web]
for source, control, size in SENT:
    client = connect(source, 443, control)
    server, _ = web.accept()
    drain(server, size)
    client.sendall(b"x" * size)
    curl.append(client)
    nginx.append(server)
bench = connect("192.0.2.20", 5432)
postgres, _ = database.accept()
bench.setblocking(False)
try:
    while True:
        bench.send(b"y" * 20000)
except BlockingIOError:
    pass
waiting = [connect("192.0.2.30", 8080) for _ in range(4)]
bound = socket.socket(socket.AF_UNIX)
bound.bind(PATH)
bound.listen(2)
worker = socket.socket(socket.AF_UNIX)
worker.connect(PATH)
gunicorn, _ = bound.accept()

programs = []
for name, sockets in (("nginx", nginx), ("curl", curl), ("postgres", [database, postgres]), ("pgbench", [bench]),
                      ("php-fpm", [full]), ("wrk", waiting), ("gunicorn", [gunicorn]), ("worker", [worker]),
                      ("supervisor", [bound])):
    programs.append(subprocess.Popen([name, "-c", "import time; time.sleep(25)"], executable="/usr/bin/python3",
                                     pass_fds=[one.fileno() for one in sockets], cwd="/"))
    for one in sockets:
        one.close()
time.sleep(3)
subprocess.run(os.environ["RECORD"], shell=True, check=True)
for program in programs:
    program.kill()
