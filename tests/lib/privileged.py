"""sockq with rights that who starts it has not, for tests/cli/privileged_test.lua.

    python3 privileged.py SOCKQ FOLDER

In a mount namespace, on a file system of its own: a plain copy, one that is setuid root, one with
file capabilities, and root's under sudo. A user's question about root's files must be answered by
all of them as by the plain one, byte for byte; and nothing in the environment may change what they
do. Prints "ok NAME", "bad NAME: WHY" or "skipped NAME: WHY", then "done"."""
import json
import os
import re
import shutil
import socket
import subprocess
import sys

import confine as c

SOCKQ, FOLDER = sys.argv[1], sys.argv[2]
SECRET = "secretword"
BASE = {"LC_ALL": "C", "PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
NOBODY = str(c.NOBODY)
HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
ROW = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77 1 0 100 0 0 10 0\n"


def path(*parts):
    return os.path.join(FOLDER, *parts)


def write(name, text, mode=0o600):
    os.makedirs(os.path.dirname(path(name)), exist_ok=True)
    with open(path(name), "w") as file:
        file.write(text)
    os.chmod(path(name), mode)


def make_files():
    write("secret.lua", "%s = = (\n" % SECRET)
    write("secret.csv", "%s,1\n" % SECRET)
    write("secret.json", "{ %s\n" % SECRET)
    write("secret/exists.lua", "%s = = (\n" % SECRET)
    write("secret/views/exists.lua", "%s = = (\n" % SECRET)
    write("secret/tree/net/tcp", HEADER + ROW)
    write("tree/net/tcp", HEADER + ROW, 0o644)
    write("tree/7/comm", "x\n", 0o644)
    write("tree/7/cmdline", "x\0", 0o644)
    write("tree/7/fd/keep", "", 0o644)
    os.remove(path("tree/7/fd/keep"))
    os.symlink("socket:[77]", path("tree/7/fd/3"))
    write("bad/net/tcp", SECRET + "\n", 0o600)
    write("target", "root's own\n", 0o644)
    write("locked/x", "", 0o644)
    os.chmod(path("secret"), 0o700)
    subprocess.run([SOCKQ, "record", path("secret.rec")], env=BASE, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.chmod(path("secret.rec"), 0o600)
    os.mkdir(path("mine"))
    os.chown(path("mine"), c.NOBODY, c.NOBODY)
    for name, to in (("link.lua", "secret.lua"), ("link.rec", "secret.rec"), ("out.rec", "target"), ("link.csv", "secret.csv"),
                     ("tree", "secret/tree"), ("new.rec", "locked/new")):
        os.symlink(path(to), path("mine", name))
        os.lchown(path("mine", name), c.NOBODY, c.NOBODY)
    # What an attacker would like to have run.
    evil = "io.stderr:write('EVIL') return { evil = 'EVIL' }\n"
    for folder in ("evil", "evil/sockq", "evil/.config/sockq", "evil/.local/share/sockq"):
        for kind in ("views", "reports", "formats", "timers"):
            write("%s/%s/evil.lua" % (folder, kind), evil, 0o644)
        write(folder + "/init.lua", evil, 0o644)
        write(folder + "/sockq.lua", evil, 0o644)


QUESTIONS = [
    ["{secret.lua}"], ["{secret/exists.lua}"], ["{secret/missing.lua}"], ["{mine/link.lua}"], ["{missing.lua}"],
    ["check", "{secret.lua}"], ["check", "{secret/exists.lua}"], ["check", "{secret/missing.lua}"], ["check", "{mine/link.lua}"],
    ["--read", "{secret.rec}"], ["--read", "{secret/missing.rec}"], ["--read", "{mine/link.rec}"], ["--read", "{secret}"],
    ["diff", "{secret.rec}@1", "{secret.rec}@1"], ["snapshots", "{secret.rec}"], ["snapshots", "{secret/missing.rec}"],
    ["--proc", "{secret/tree}"], ["--proc", "{secret/missing}"], ["--proc", "{mine/tree}"], ["--proc", "{bad}"], ["--proc", "{secret}"],
    ["--data", "d={secret.csv}", "-e", "print(1)"], ["--data", "d={secret/missing.csv}", "-e", "print(1)"],
    ["--data", "d={mine/link.csv}", "-e", "print(1)"], ["--data", "d={secret.json}", "-e", "print(1)"],
    ["--path", "{secret}", "exists"], ["--path", "{secret}", "missing"], ["--path", "{secret}", "list"],
    ["record", "{mine/out.rec}"], ["record", "{mine/new.rec}"], ["record", "{secret/new.rec}"], ["record", "{secret.rec}"],
    ["record", "{locked/new.rec}"], ["record", "{target}"],
    ["{secret/exists.lua}", "{secret.lua}"], ["-f", "{secret.lua}"], ["--timer", "{secret.lua}"],
]

TRICKS = [
    {"SUDO_UID": "0", "SUDO_GID": "0"}, {"SUDO_UID": "12345", "SUDO_GID": "12345"}, {"SUDO_USER": "root", "USER": "root"},
    {"SOCKQ_PATH": "{evil}"}, {"SOCKQ_PATH": "{secret}"}, {"XDG_CONFIG_HOME": "{evil}"}, {"XDG_DATA_HOME": "{evil}"}, {"XDG_CONFIG_DIRS": "{evil}"},
    {"HOME": "{evil}"}, {"HOME": "/root"}, {"TZ": ":{secret.lua}"}, {"TZ": ":{secret/missing}"}, {"TZDIR": "{secret}", "TZ": ":exists.lua"},
    {"LUA_INIT": "io.stderr:write('EVIL')"}, {"LUA_INIT": "@{evil/init.lua}"}, {"LUA_PATH": "{evil}/?.lua;;"}, {"LUA_CPATH": "{evil}/?.so"},
    {"LUAJIT_NOENV": "0", "LUA_PATH_5_1": "{evil}/?.lua"}, {"LD_PRELOAD": "{evil/x.so}"}, {"LD_LIBRARY_PATH": "{evil}"},
    {"LD_AUDIT": "{evil/x.so}"}, {"LD_DEBUG": "all", "LD_DEBUG_OUTPUT": "{locked/debug}"}, {"GCONV_PATH": "{evil}"}, {"LOCPATH": "{evil}", "LC_ALL": "xx"},
    {"MALLOC_TRACE": "{locked/trace}"}, {"TERMINFO": "{secret}"}, {"HOSTALIASES": "{secret.lua}"}, {"RES_OPTIONS": "debug"},
    {"RESOLV_HOST_CONF": "{secret.lua}"}, {"LANGUAGE": "{secret.lua}"}, {"NLSPATH": "{secret}/%N"}, {"PATH": "{evil}"},
]


def filled(text):
    while "{" in text and "}" in text:
        start, end = text.index("{"), text.index("}")
        text = text[:start] + path(text[start + 1:end]) + text[end + 1:]
    return text


def run(words, program="plain", env=None):
    """As the user; "sudo" is root with what sudo tells."""
    env = dict(BASE, **(env or {}))
    name = program
    if program == "sudo":
        env.update(SUDO_UID=NOBODY, SUDO_GID=NOBODY)
        name = "plain"
    act = None if program == "sudo" else c.be_nobody
    result = subprocess.run([path(name)] + words, executable=path(name), preexec_fn=act, env=env, cwd="/", stdin=subprocess.DEVNULL,
                            capture_output=True, timeout=30)
    clean = lambda data: data.decode("utf-8", "replace").replace(path(name), "sockq")
    return result.returncode, clean(result.stdout), clean(result.stderr)


def tell(name, good, why=""):
    print("ok " + name if good else "bad %s: %s" % (name, why.replace("\n", "\\n")[:700]))


def questions(program):
    for question in QUESTIONS:
        words = [filled(word) for word in question]
        name = "%s is no oracle for root's files: %s" % (program, " ".join(question))
        plain, got = run(words), run(words, program)
        tell(name, plain == got and SECRET not in "".join(map(str, got)), "%r, and the plain one %r" % (got, plain))
    # Where the plain one is refused it may see whether a namespace is there: not whether anything else is.
    exists, missing = (run(["--netns", path("secret", name)], program) for name in ("exists.lua", "missing"))
    tell(program + " is no oracle for root's files: --netns",
         exists[0] == missing[0] and exists[2].replace("exists.lua", "missing") == missing[2], "%r, %r" % (exists, missing))
    with open(path("target")) as file:
        tell(program + " writes no file of root's through a link", file.read() == "root's own\n")
    tell(program + " makes no file of root's", os.listdir(path("locked")) == ["x"] and not os.path.exists(path("secret/new.rec")))


def rows(program, env=None):
    status, out, err = run(["-t", "-f", "ndjson", "-c", "local_port,program"], program, env)
    try:
        found = sorted((row["local_port"], row["program"]) for row in map(json.loads, out.splitlines()))
    except (ValueError, KeyError):
        found = None
    return status, found, re.sub(r"\d+ of \d+", "some of many", err)


def tricks(program):
    expected = rows(program)
    tell(program + " sees the owners of root's sockets", (4001, "python3") in (expected[1] or []), str(expected))
    for trick in TRICKS:
        env = {key: filled(value) for key, value in trick.items()}
        got = rows(program, env)
        tell("%s does not listen to %s" % (program, " ".join("%s=%s" % item for item in trick.items())),
             got == expected and "EVIL" not in str(got), "%r, without it %r" % (got, expected))
    tell(program + " makes no file for the environment", os.listdir(path("locked")) == ["x"])


def scripts(program):
    """Scripts of the user's run, with the user's rights at most."""
    tries = {
        "reads a file of root's": "local f, why = io.open('%s') print(f, why)" % path("secret.lua"),
        "writes a file of root's": "local f, why = io.open('%s', 'a') print(f, why)" % path("target"),
        "runs a program with rights": "os.execute('id -u; grep CapPrm /proc/self/status; cat %s')" % path("secret.lua"),
    }
    for what, text in tries.items():
        status, out, err = run(["--trust", "-e", text], program)
        wrong = SECRET in out + err or "0\n" == out[:2] or "nil" not in out and "65534\n" not in out
        caps = [line.split()[1] for line in out.splitlines() if line.startswith("CapPrm")]
        tell("%s with --trust %s no more than the user" % (program, what), not wrong and all(int(x, 16) == 0 for x in caps),
             "%r" % ((status, out, err),))
    status, out, err = run(["-e", "print(io.open, os.execute, require, ffi)"], program)
    tell(program + " runs scripts in the sandbox", out.startswith("nil\tnil") or status == 2, "%r" % ((status, out, err),))
    status, out, err = run(["--proc", path("tree"), "-t", "-f", "ndjson", "-c", "local_port,program"], program)
    tell(program + " reads what the user may read", status == 0 and '"program":"x"' in out, "%r" % ((status, out, err),))


def memory(program):
    """A segment of shared memory can be written by all of its owner's processes: only root's is used, or one of who asks."""
    act = c.limit("FSIZE", 0)

    def limited():
        act()
        c.be_nobody()
    result = subprocess.run([path(program), "-t"], preexec_fn=limited, env=BASE, cwd="/", stdin=subprocess.DEVNULL, capture_output=True,
                            timeout=30, check=False)
    err = result.stderr.decode()
    if program == "plain":
        tell("plain runs where files have no bytes", result.returncode == 0, err)
    else:
        tell(program + " has no memory that its user's processes could write",
             result.returncode == 3 and re.fullmatch("sockq: shared memory: File too large; raise the limit: .*\n", err), "%d %s" % (result.returncode, err))


def main():
    if os.geteuid() != 0:
        print("skipped everything: not root")
        return
    try:
        c.unshare(c.CLONE_NEWNET)
        c.private_mounts()
        c.mount("none", FOLDER, "tmpfs", 0, "mode=755")
    except OSError as error:
        print("skipped everything: no namespaces: %s" % error)
        return
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 4001))
    listener.listen()
    make_files()
    for name in ("plain", "setuid", "filecaps"):
        shutil.copyfile(SOCKQ, path(name))
        os.chmod(path(name), 0o755)
    os.chmod(path("setuid"), 0o4755)
    programs = ["setuid", "sudo"]
    if subprocess.run(["setcap", "cap_sys_ptrace,cap_dac_read_search+ep", path("filecaps")], capture_output=True, check=False).returncode == 0:
        programs.append("filecaps")
    else:
        print("skipped file capabilities: setcap failed")
    memory("plain")
    for program in programs:
        if program != "sudo":
            memory(program)
        questions(program)
        if program != "sudo":
            tricks(program)
        scripts(program)
    print("done")


sys.stdout.reconfigure(line_buffering=True)
main()
