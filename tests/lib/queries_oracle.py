"""Answers to queries over captured tcp and udp tables, computed without sockq.

   python3 tests/lib/queries_oracle.py TREE < queries.json

Reads a list of queries {where: [[field, op, value], ...], group: [...], aggs: [[name, field], ...],
sort: [[field, descending]], limit, columns} and prints the rows of each as JSON, keys in order.
"""
import ipaddress
import json
import math
import os
import sys

STATES = {1: "ESTABLISHED", 2: "SYN_SENT", 3: "SYN_RECV", 4: "FIN_WAIT1", 5: "FIN_WAIT2", 6: "TIME_WAIT", 7: "CLOSE",
          8: "CLOSE_WAIT", 9: "LAST_ACK", 10: "LISTEN", 11: "CLOSING", 12: "SYN_RECV", 13: "BOUND_INACTIVE"}
TIMERS = {0: "off", 1: "on", 2: "keepalive", 3: "timewait", 4: "probe"}


def address(text):
    raw = b"".join(bytes.fromhex(text[i:i + 8])[::-1] for i in range(0, len(text), 8))
    if len(raw) == 4:
        return ".".join(map(str, raw))
    import socket
    return socket.inet_ntop(socket.AF_INET6, raw)


def rows_of(tree):
    for proto in "tcp", "tcp6", "udp", "udp6":
        path = os.path.join(tree, "net", proto)
        if not os.path.exists(path):
            continue
        for line in open(path).read().split("\n")[1:]:
            part = line.split()
            if len(part) < 10:
                continue
            st, timer, when = int(part[3], 16), int(part[5].split(":")[0], 16), int(part[5].split(":")[1], 16)
            tcp = proto.startswith("tcp")
            # A mini-socket knows neither its user nor its counts; a request has no inode.
            mini = tcp and (st == 6 or (st == 5 and timer == 3))
            queues = [int(x, 16) for x in part[4].split(":")]
            state = STATES[st] if tcp else {1: "ESTABLISHED", 7: "UNCONN"}.get(st, "UNKNOWN(%d)" % st)
            yield {
                "proto": proto, "state": state,
                "local_addr": address(part[1].split(":")[0]), "local_port": int(part[1].split(":")[1], 16),
                "remote_addr": address(part[2].split(":")[0]), "remote_port": int(part[2].split(":")[1], 16),
                "send_q": queues[0], "recv_q": queues[1],
                "timer": TIMERS.get(timer, "unkn-%d" % timer),
                "expires": None if timer == 0 else 0 if when > 2 ** 28 else when / 100,
                "retrans": int(part[6], 16) if tcp and not mini else None,
                "uid": None if mini else int(part[7]),
                "family": "inet6" if proto.endswith("6") else "inet",
            }


OPS = {"==": lambda a, b: a == b, "~=": lambda a, b: a != b, "<": lambda a, b: a < b, ">": lambda a, b: a > b,
       "<=": lambda a, b: a <= b, ">=": lambda a, b: a >= b}


def holds(row, condition):
    field, op, value = condition
    got = row[field]
    if op == "within":
        ip, net = ipaddress.ip_address(got), ipaddress.ip_network(value)
        if ip.version == 6 and ip.ipv4_mapped:
            ip = ip.ipv4_mapped
        return ip.version == net.version and ip in net
    if op == "nil":
        return (got is None) == value
    return got is not None and OPS[op](got, value)


def aggregate(name, field, rows):
    values = [row[field] for row in rows if field and row[field] is not None]
    if name == "count":
        return len(rows)
    if name == "distinct":
        return len(set(values))
    if not values:
        return None
    if name == "sum":
        return sum(values)
    if name == "avg":
        return sum(values) / len(values)
    if name == "min":
        return min(values)
    if name == "max":
        return max(values)
    if name == "first":
        return values[0]
    share = int(name[1:]) / 100
    return sorted(values)[max(0, math.ceil(share * len(values) - 1e-9) - 1)]


def ordered(rows, sort):
    for field, descending in reversed(sort):
        def key(row):
            value = row[field]
            return value.encode() if isinstance(value, str) else value
        known = sorted((row for row in rows if row[field] is not None), key=key, reverse=descending)
        if descending:
            # Stable: equal rows keep their order, which reverse=True does as well.
            pass
        rows = known + [row for row in rows if row[field] is None]
    return rows


def answer(query, everything):
    rows = [row for row in everything if all(holds(row, c) for c in query["where"])]
    if query["group"]:
        groups = {}
        for row in rows:
            groups.setdefault(tuple(row[key] for key in query["group"]), []).append(row)
        rows = []
        for keys, members in groups.items():
            made = dict(zip(query["group"], keys))
            for name, field in query["aggs"]:
                made[name + ("_" + field if field else "")] = aggregate(name, field, members)
            rows.append(made)
    rows = ordered(rows, query["sort"])
    if query["limit"] is not None:
        rows = rows[:query["limit"]]
    return [[row[column] for column in query["columns"]] for row in rows]


everything = list(rows_of(sys.argv[1]))
json.dump([answer(query, everything) for query in json.load(sys.stdin)], sys.stdout)
