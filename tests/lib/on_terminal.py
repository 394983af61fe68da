"""Run commands whose standard output is a terminal of so many columns, and pass on what they write.

Usage: python3 on_terminal.py COMMAND... < widths
Reads widths, one a line; writes for each a line with the count of bytes, and the bytes.
"""
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios


def run(words, columns):
    master, slave = pty.openpty()
    attributes = termios.tcgetattr(slave)
    attributes[1] &= ~termios.OPOST
    termios.tcsetattr(slave, termios.TCSANOW, attributes)
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(words, stdout=slave, stdin=subprocess.DEVNULL)
    os.close(slave)
    parts = []
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:
            break
        if not part:
            break
        parts.append(part)
    process.wait()
    os.close(master)
    return b"".join(parts)


for line in sys.stdin:
    text = run(sys.argv[1:], int(line))
    sys.stdout.buffer.write(b"%d\n" % len(text) + text)
