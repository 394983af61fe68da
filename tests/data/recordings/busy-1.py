"""Makes busy-1.rec, two looks at connections that send in between:

    RECORD="$PWD/build/release/sockq --source diag record $PWD/tests/data/recordings/busy-1.rec --from tcp" \
        unshare -nupm --fork --mount-proc sh -c 'hostname busy-1; exec /usr/bin/python3 -' <tests/data/recordings/busy-1.py

as root, where no busy-1.rec is. Its programs are Python under other names. RECORD is run before and after."""
import os
import socket
import subprocess
import time

HERE, CLIENTS = "192.0.2.1", (("198.51.100.7", "rsync", 3000000, 20), ("203.0.113.5", "backup", 40, 900000),
                              ("192.0.2.20", "monitor", 1200, 7000), ("192.0.2.30", "idle", 0, 0))

subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
for address in (HERE, *(client[0] for client in CLIENTS)):
    subprocess.run(["ip", "address", "add", address + "/32", "dev", "lo"], check=True)

# The two ends of a connection: each writes its bytes and reads the other's, when it is told to.
END = """
import socket, sys, threading, time
end = socket.socket(fileno=int(sys.argv[1]))
sys.stdin.readline()
writer = threading.Thread(target=end.sendall, args=(b"x" * int(sys.argv[2]),))
writer.start()
left = int(sys.argv[3])
while left > 0:
    left -= len(end.recv(min(left, 65536)))
writer.join()
time.sleep(20)
"""


def start(name, end, sends, reads):
    return subprocess.Popen([name, "-c", END, str(end.fileno()), str(sends), str(reads)], executable="/usr/bin/python3",
                            pass_fds=[end.fileno()], cwd="/", stdin=subprocess.PIPE)


server = socket.socket()
server.bind((HERE, 443))
server.listen(8)
programs = []
for address, name, sends, reads in CLIENTS:
    client = socket.socket()
    client.bind((address, 0))
    client.connect((HERE, 443))
    accepted, _ = server.accept()
    programs += [start(name, client, sends, reads), start("nginx", accepted, reads, sends)]
    client.close()
    accepted.close()
time.sleep(1)
subprocess.run(os.environ["RECORD"], shell=True, check=True)
for program in programs:
    program.stdin.write(b"go\n")
    program.stdin.flush()
time.sleep(2)
subprocess.run(os.environ["RECORD"], shell=True, check=True)
for program in programs:
    program.kill()
