"""A connection over the loopback, data in one direction, and what commands print meanwhile: PORT in
their words is the port of the end that sends. Usage: loopback_pair.py COMMAND -- COMMAND ..."""
import socket
import subprocess
import sys

BYTES = 100000

listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(7)
client = socket.socket()
client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 70000)
client.connect(listener.getsockname())
server, _ = listener.accept()
client.sendall(b"x" * BYTES)
left = BYTES
while left > 0:
    left -= len(server.recv(left))
port = str(client.getsockname()[1])
commands = [[]]
for word in sys.argv[1:]:
    if word == "--":
        commands.append([])
    else:
        commands[-1].append(word.replace("PORT", port))
for command in commands:
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    sys.stdout.write(done.stdout + done.stderr + "\n--\n")
