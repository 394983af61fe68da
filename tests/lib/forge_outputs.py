"""Every output of sockq over strings that command a terminal, forge lines, turn directions or hide.

    python3 tests/lib/forge_outputs.py SOCKQ FOLDER

FOLDER is empty and the test's own. Two captured trees are alike but for their strings: in one every
name is harmless, in the other each is of a class of dangerous ones. Prints a line a check: "ok NAME"
or "FAIL NAME: WHY", and "count …".
"""

import concurrent.futures
import csv
import io
import json
import os
import pty
import re
import select
import subprocess
import sys
import time
import unicodedata

SOCKQ, FOLDER = sys.argv[1:3]
ENVIRONMENT = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": "/nonexistent", "TERM": "xterm"}
GROUPS = 5
outputs = 0


def utf8(*codes):
    return "".join(map(chr, codes)).encode("utf-8", "surrogatepass")


CLASSES = {
    "line feed": b"a\nsockq: forged", "carriage return": b"a\rb", "tab": b"a\tb", "escape": b"a\x1b[66;6Hb",
    "title": b"a\x1b]0;evil\x07b", "bell and backspace": b"a\x07\x08b", "other C0": b"a\x01\x0e\x1f\x0b\x0cb",
    "DEL": b"a\x7fb", "C1 in UTF-8": b"a" + utf8(0x80, 0x85, 0x9B) + b"31mb", "C1 as bytes": b"a\x9b31m\x85\x90b",
    "no UTF-8": b"a\xff\xfe\xc3b", "overlong": b"a\xc0\x8a\xe0\x80\x8ab", "surrogate": b"a\xed\xa0\x80b",
    "beyond Unicode": b"a\xf4\x90\x80\x80b", "cut": b"ab\xe2\x80", "overrides": b"a" + utf8(0x202D, 0x202E) + b"txt.exe",
    "embeddings": b"a" + utf8(0x202A, 0x202B, 0x202C) + b"b", "isolates": b"a" + utf8(0x2066, 0x2067, 0x2068, 0x2069) + b"b",
    "marks": b"a" + utf8(0x200E, 0x200F, 0x061C) + b"b", "separators": b"a" + utf8(0x2028, 0x2029) + b"b",
    "no width": b"a" + utf8(0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF) + b"b", "tags": b"a" + utf8(0xE0001, 0xE0041, 0xE007F) + b"b",
    "fillers": b"a" + utf8(0x115F, 0x3164, 0xFFA0, 0xAD, 0x34F) + b"b", "annotations": b"a" + utf8(0xFFF9, 0xFFFB) + b"b",
    "variation": b"a" + utf8(0xFE0F, 0xE0100) + b"b", "quotes": b"a\",'=\\`$(b)\xc3\xa9",
}
# Format characters that show something: signs before numbers.
SHOWN = set(list(range(0x600, 0x606)) + [0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD] + list(range(0x13430, 0x13440)))
HIDDEN = {0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x3164, 0xFFA0} | set(range(0xFE00, 0xFE10))
# What only sockq may send, and only to a terminal.
OWN = re.compile(rb"\x1b\[[0-9;]*m")


def check(name, fine, why=""):
    print("ok " + name if fine else "FAIL %s: %s" % (ascii(name).strip("'"), ascii(why)[:500]), flush=True)


def dangerous(raw, allowed):
    """What may not be written, None if nothing is."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return "no UTF-8: %s" % error
    for char in text:
        code, kind = ord(char), unicodedata.category(char)
        if char not in allowed and (kind in ("Cc", "Zl", "Zp", "Cs") or (kind == "Cf" and code not in SHOWN)
                                    or code in HIDDEN or 0xE0000 <= code <= 0xE0FFF):
            at = text.index(char)
            return "U+%04X in %r" % (code, text[max(0, at - 60):at + 20])
    return None


def write(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)


def make_tree(folder, strings):
    tcp = [b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"]
    unix = [b"Num       RefCount Protocol Flags    Type St Inode Path\n"]
    for i, name in enumerate(strings):
        pid, inode = 100 + i, 5000 + i
        tcp.append(b"%4d: 0100007F:%04X 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 %d 1 "
                   b"0000000000000000 100 0 0 10 0\n" % (i, 1000 + i, inode))
        unix.append(b"0000000000000000: 00000002 00000000 00010000 0001 01 %5d %s%03d/%s\n" % (6000 + i, b"/r" * 30, i, name))
        top = folder + "/%d" % pid
        write(top + "/cmdline", b"/bin/" + name + b"\0-x\0" + name + b"\0")
        write(top + "/comm", name[:15] + b"\n")
        write(top + "/stat", b"%d (%s) S 1 1 1 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 4567 0 0 8\n" % (pid, name[:15]))
        write(top + "/cgroup", b"0::/system.slice/" + name.replace(b"\n", b" ") + b".service\n")
        os.makedirs(top + "/fd")
        os.symlink("socket:[%d]" % inode, top + "/fd/3")
        os.symlink("socket:[%d]" % (6000 + i), top + "/fd/4")
        os.symlink(b"/opt/" + name, os.fsencode(top) + b"/exe")
    write(folder + "/net/tcp", b"".join(tcp))
    write(folder + "/net/unix", b"".join(unix))
    write(folder + "/sys/kernel/hostname", strings[3] + b"\n")
    write(folder + "/sys/kernel/osrelease", strings[4] + b"\n")
    write(folder + "/stat", b"btime 1700000000\n")


def run(words, stdin=b""):
    global outputs
    outputs += 1
    return subprocess.run([SOCKQ, *words], input=stdin, capture_output=True, timeout=20, check=False, env=ENVIRONMENT)


FORMATS = ["table", "records", "json", "ndjson", "csv", "tsv", "lua", "prometheus", "bars"]
REPORTS = ["doctor", "drain", "dying", "exposed", "leaks", "listen", "peers", "ports", "queues", "retrans", "states", "timers"]
QUERIES = [["-t"], ["-x"], ["-t", "-x", "-c", "*"], ["-x", "-g", "path"], ["-t", "-g", "program,unit"],
           ["-t", "-c", "cmdline,comm,exe,cgroup,host", "-s", "cmdline"], ["-t", "--distinct", "program"]]
ALLOWED = {"csv": "\r\n", "tsv": "\t\n"}


def lines_of(out, name):
    return len(list(csv.reader(io.StringIO(out.decode(), newline="")))) if name == "csv" else out.count(b"\n")


def commands():
    """[(title, format, words without the tree)]"""
    for name in FORMATS:
        for words in QUERIES:
            if name != "bars" or "-g" in words:
                yield " ".join(words) + " -f " + name, name, ["-f", name, *words]
    for name in REPORTS:
        for form in ("table", "json", "csv"):
            yield "%s -f %s" % (name, form), form, ["-f", form, name]
    for words in (["-anp"], ["-xap"], ["-antpoe"], ["-lxpW"], ["-ap", "--numeric-ports"]):
        yield "netstat " + " ".join(words), "table", ["netstat", *words]
    yield "--watch in a pipe", "table", ["--watch=0.1", "--times=2", "-t", "-x"]
    yield "--watch in a pipe, ndjson", "ndjson", ["--watch=0.1", "--times=2", "-x", "-f", "ndjson"]
    yield "a script", "table", ["-e", "for r in sockq.from('tcp,unix'):rows() do print(tostring(r)) end"]


def compare(title, form, harmless, evil, words):
    fine, got = run([*harmless, *words]), run([*evil, *words])
    allowed = ALLOWED.get(form, "\n")
    for what, raw, also in (("stdout", got.stdout, allowed), ("stderr", got.stderr, "\n")):
        wrong = dangerous(raw, also)
        check("%s: %s holds nothing dangerous" % (title, what), not wrong, wrong)
    check(title + ": status", got.returncode == fine.returncode, (got.returncode, fine.returncode, got.stderr))
    if form in ("json", "ndjson"):
        for text in [got.stdout] if form == "json" else got.stdout.splitlines():
            try:
                if text.strip():
                    json.loads(text)
            except ValueError as error:
                check(title + ": JSON", False, error)
    if got.stdout.count(b"\n") or fine.stdout.count(b"\n"):
        ours, theirs = lines_of(got.stdout, form), lines_of(fine.stdout, form)
        # The names of a time in a stream may differ by a second; never their lines.
        check(title + ": as many lines as with harmless names", ours == theirs, (ours, theirs))


def messages(tree, evil):
    """Words of the command line, names of files and plug-ins, errors of scripts."""
    word = evil.replace(b"/", b"_")
    path = os.fsencode(FOLDER) + b"/files/" + word
    os.makedirs(os.path.dirname(path), exist_ok=True)
    write(path + b".lua", b"error(" + b'"bad ' + b"".join(b"\\%03d" % b for b in evil) + b'", 0)')
    write(path + b".txt", b"no recording " + evil)
    base = ["--proc", tree]
    yield from ([*base, *rest] for rest in (
        [word], [b"program == '" + word], [b"-f", word], [b"--timer", word], [b"--from", word], [b"-c", word], [b"-g", word],
        [b"-s", word], [b"-A", word], [b"-L", word], [b"--" + word], [b"-" + word[1:]], [b"--color", word], [b"--watch=" + word],
        [b"help", word], [b"list", word], [b"show", b"timer", word], [b"check", path + b".lua"], [b"check", word],
        [b"netstat", b"--" + word], [b"netstat", b"-" + word[1:]], [b"netstat", b"-A", word], [b"states", word],
        [path + b".lua"], [path + b".none.lua"], [b"-e", b"error('" + evil.replace(b"\n", b"\\n").replace(b"'", b"") + b"')"],
        [b"-e", b"local x = " + evil], [b"completion", b"words", b"--", word], [b"completion", word]))
    yield [b"--proc", word]
    yield [b"--read", path + b".txt"]
    yield [b"--read", word]
    yield [b"snapshots", path + b".txt"]
    yield [b"diff", word, path + b".txt"]
    yield [b"record", b"/nonexistent/" + word]
    yield [b"--netns", word]


def plugins(evil):
    """A plug-in folder whose files have dangerous names, docs and mistakes."""
    folder = os.fsencode(FOLDER) + b"/plugins"
    code = b"".join(b"\\%03d" % b for b in evil)
    word = evil.replace(b"/", b"_")
    write(folder + b"/timers/" + word + b".lua", b'return { doc = "' + code + b'", format = function() return "' + code + b'" end }')
    write(folder + b"/reports/" + word + b".lua", b'return { doc = "' + code + b'" }')
    write(folder + b"/views/evil.lua", b'return { doc = "' + code + b'", from = "tcp", columns = { { title = "' + code
          + b'", get = function() return "' + code + b'" end, unknown = "' + code + b'" } } } -- ' + evil.replace(b"\n", b"") + b"\n")


def on_terminal(words, keys=b"", seconds=1.5):
    """What a program writes to a terminal of its own."""
    global outputs
    outputs += 1
    pid, master = pty.fork()
    if pid == 0:
        os.execvpe(SOCKQ, [SOCKQ, *words], ENVIRONMENT)
    got, end, typed = b"", time.time() + 20, False
    while time.time() < end:
        if select.select([master], [], [], 0.2)[0]:
            try:
                data = os.read(master, 65536)
            except OSError:
                break
            if not data:
                break
            got += data
        if keys and not typed and got:
            time.sleep(0.3)
            os.write(master, keys)
            typed, end = True, time.time() + seconds
    try:
        os.kill(pid, 9)
    except ProcessLookupError:
        pass
    os.waitpid(pid, 0)
    os.close(master)
    return got


def terminals(tree, classes):
    for title, words in (("a table", ["-t", "-x"]), ("all fields", ["-t", "-c", "*"]), ("records", ["-x", "-f", "records"]),
                         ("a report", ["listen"]), ("netstat", ["netstat", "-anp"])):
        raw = OWN.sub(b"", on_terminal(["--proc", tree, "--color", "always", *words]))
        wrong = dangerous(raw, "\r\n")
        check("on a terminal, %s: nothing but the program's own colours" % title, raw and not wrong, wrong)
    pieces = [b"\x1b[66;6H", b"\x1b]0;evil", b"\x9b31m", b"\xff\xfe", utf8(0x202E), utf8(0x2028), utf8(0x200B), utf8(0xE0041),
              utf8(0x9B)]
    for title, words, keys in (("the watch screen", ["--watch=0.2", "--times=3", "-t", "-x"], b""),
                               ("the watch screen of netstat", ["--watch=0.2", "--times=3", "netstat", "-anp"], b""),
                               ("a session", ["-i"], b"-x\rsockq.unix():list()\r=sockq.tcp():first().cmdline\r"
                                b"sockq.unix():first()\rnosuch\rquit\r")):
        raw = on_terminal(["--proc", tree, *words], keys)
        found = [piece for piece in pieces if piece in raw]
        check("on a terminal, %s: no piece of a name commands it" % title, len(raw) > 100 and not found, (found, raw[-300:]))


def main():
    names = list(CLASSES.values())
    evil, fine = FOLDER + "/evil", FOLDER + "/fine"
    make_tree(evil, names)
    make_tree(fine, [b"name%02d" % i for i in range(len(names))])
    jobs = [(title, form, ["--proc", fine], ["--proc", evil], words) for title, form, words in commands()]
    for tree in (evil, fine):
        run(["--proc", tree, "record", tree + ".rec"])
    jobs += [("recording, " + title, form, ["--read", fine + ".rec"], ["--read", evil + ".rec"], words)
             for title, form, words in commands() if words[-2:] == ["-t", "-x"] or "-c" in words]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(compare, *job) for job in jobs]:
            done.result()
    usage = run(["netstat", "--nosuch"]).stderr.partition(b"\n")[2]
    def message(name, words):
        got = run([os.fsencode(word) for word in words])
        # netstat tells its usage as well.
        lines = got.stderr.replace(usage, b"").count(b"\n")
        wrong = dangerous(got.stderr, "\n") or dangerous(got.stdout, "\t\n")
        check("message, %s" % (words[2:] or words), not wrong and lines <= 8, (wrong, lines, got.stderr))

    # Several classes in one word.
    mixed = [b"".join(names[i::GROUPS]) for i in range(GROUPS)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(message, name, words) for name in mixed for words in messages(evil, name)]:
            done.result()
    for name in names:
        plugins(name)
    for words in (["list", "timers"], ["list", "reports"], ["list", "views"], ["show", "view", "evil"], ["evil"], ["help", "evil"],
                  ["-f", "csv", "evil"], ["completion", "words", "--", ""], ["--timer", CLASSES["title"], "-t"], ["help"],
                  ["--timer", CLASSES["overrides"], "netstat", "-ant"]):
        got = run(["--path", FOLDER + "/plugins", "--proc", evil, *words])
        wrong = dangerous(got.stderr, "\n") or dangerous(got.stdout, "\r\t\n")
        check("plug-ins, %s" % words, not wrong, wrong)
    terminals(evil, names)
    print("count %d outputs, %d classes of strings" % (outputs, len(CLASSES)), flush=True)


main()
