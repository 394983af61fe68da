"""Groups of shared sockets, computed without sockq: a socket counts once for each different value among
its owners.

   python3 tests/lib/shared_oracle.py TREE < queries.json

A query is a list of keys out of pid, program, fd, container, state. Prints for each a list of
[value of each key…, count, sum of local ports, distinct pids in the group], and at the end
{inode: number of processes}.
"""
import collections
import json
import os
import re
import sys

tree = sys.argv[1]
STATES = {1: "ESTABLISHED", 8: "CLOSE_WAIT", 10: "LISTEN"}

owners = collections.defaultdict(list)
for pid in filter(str.isdigit, os.listdir(tree)):
    base = os.path.join(tree, pid)
    program = open(base + "/cmdline").read().split("\0")[0].rsplit("/", 1)[1]
    found = re.search(r"/docker/([0-9a-f]{12})", open(base + "/cgroup").read())
    for fd in os.listdir(base + "/fd"):
        inode = int(os.readlink(base + "/fd/" + fd)[8:-1])
        owners[inode].append({"pid": int(pid), "program": program, "fd": int(fd), "container": found and found.group(1)})

rows = []
for line in open(tree + "/net/tcp").read().split("\n")[1:-1]:
    part = line.split()
    rows.append((int(part[9]), int(part[1].split(":")[1], 16), STATES[int(part[3], 16)]))


def answer(keys):
    groups = {}
    for inode, port, state in rows:
        mine = set()
        for one in owners.get(inode) or [{}]:
            key = tuple(state if name == "state" else one.get(name) for name in keys)
            group = groups.setdefault(key, {"count": 0, "ports": 0, "pids": set()})
            if one:
                group["pids"].add(one["pid"])
            mine.add(key)
        for key in mine:
            groups[key]["count"] += 1
            groups[key]["ports"] += port
    return [[*key, one["count"], one["ports"], len(one["pids"])] for key, one in groups.items()]


answers = [answer(keys) for keys in json.load(sys.stdin)]
json.dump([*answers, {str(inode): len({one["pid"] for one in owners.get(inode, [])}) for inode, _, _ in rows}], sys.stdout)
