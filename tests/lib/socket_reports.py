"""What the built-in reports must say of a captured tree, computed from the kernel's text alone.

    socket_reports.py TREE REPORT < OWNERS

prints the rows of REPORT as JSON. OWNERS is a JSON list of { inode, pid, program }: who has which
socket is not this program's business.
"""
import ipaddress
import json
import math
import pwd
import socket
import sys

TREE, REPORT = sys.argv[1], sys.argv[2]
HZ = 100
TCP = {1: "ESTABLISHED", 2: "SYN_SENT", 3: "SYN_RECV", 4: "FIN_WAIT1", 5: "FIN_WAIT2", 6: "TIME_WAIT", 7: "CLOSE",
       8: "CLOSE_WAIT", 9: "LAST_ACK", 10: "LISTEN", 11: "CLOSING", 12: "SYN_RECV", 13: "BOUND_INACTIVE"}
DATAGRAM = {1: "ESTABLISHED", 7: "UNCONN"}
TIMERS = {0: "off", 1: "on", 2: "keepalive", 3: "timewait", 4: "probe"}
PROTOS = ["tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6"]
OWNERS = {one["inode"]: one for one in json.load(sys.stdin) if one.get("inode")}


def endpoint(text):
    address, port = text.split(":")
    words = [int(address[i:i + 8], 16).to_bytes(4, sys.byteorder) for i in range(0, len(address), 8)]
    family = socket.AF_INET if len(words) == 1 else socket.AF_INET6
    return socket.inet_ntop(family, b"".join(words)), int(port, 16)


PRIVATE = [ipaddress.ip_network(n) for n in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")]


def scope(text):
    ip = ipaddress.ip_address(text)
    ip = getattr(ip, "ipv4_mapped", None) or ip
    if ip.version == 4 and ip.packed[0] == 0 or int(ip) == 0:
        return "any"
    if ip.is_loopback:
        return "loopback"
    if ip in ipaddress.ip_network("169.254.0.0/16") or ip in ipaddress.ip_network("fe80::/10"):
        return "link"
    if any(ip in n for n in PRIVATE):
        return "private"
    return "multicast" if ip.is_multicast else "public"


def read(proto):
    try:
        lines = open(f"{TREE}/net/{proto}", "rb").read().decode("latin1").splitlines()[1:]
    except FileNotFoundError:
        return []
    rows = []
    for line in lines:
        f = line.split()
        row = {"proto": proto}
        row["laddr"], row["lport"] = endpoint(f[1])
        row["raddr"], row["rport"] = endpoint(f[2])
        number = int(f[3], 16)
        row["state"] = (TCP if proto.startswith("tcp") else DATAGRAM).get(number, f"UNKNOWN({number})")
        row["send_q"], row["recv_q"] = (int(part, 16) for part in f[4].split(":"))
        code, when = (int(part, 16) for part in f[5].split(":"))
        row["timer"] = TIMERS.get(code, f"unkn-{code}")
        row["expires"] = None if code == 0 else 0 if when > 2 ** 28 else when / HZ
        mini = proto.startswith("tcp") and (number == 6 or number == 5 and code == 3)
        row["uid"] = None if mini else int(f[7])
        row["inode"] = int(f[9]) or None
        owner = OWNERS.get(row["inode"], {})
        row["pid"], row["program"] = owner.get("pid"), owner.get("program")
        rows.append(row)
    return rows


def rows_of(*protos):
    return [row for proto in protos for row in read(proto)]


def last(value):
    """Sorts None behind everything."""
    return (value is None, value if value is not None else 0)


def groups(rows, *keys):
    found = {}
    for row in rows:
        found.setdefault(tuple(row[key] for key in keys), []).append(row)
    return found


def services(protocol):
    names = {}
    for line in open("/etc/services"):
        f = line.split("#")[0].split()
        if len(f) >= 2 and f[1].endswith("/" + protocol):
            names[int(f[1].split("/")[0])] = f[0]
    return names


def user(uid):
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def states():
    names = [TCP[n] for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13)] + ["UNCONN"]
    counts = {}
    for row in rows_of(*PROTOS):
        counts[row["state"], row["proto"]] = counts.get((row["state"], row["proto"]), 0) + 1
    for state, _ in counts:
        if state not in names:
            names.append(state)
    lines = []
    for name in names:
        line = {"state": name, "total": sum(n for (state, _), n in counts.items() if state == name)}
        for proto in PROTOS:
            possible = name != "UNCONN" if proto.startswith("tcp") else name in ("ESTABLISHED", "UNCONN")
            if (name, proto) in counts or (possible and not name.startswith("UNKNOWN")):
                line[proto] = counts.get((name, proto), 0)
        lines.append(line)
    return lines


def peers(top=20):
    lines = []
    rows = [row for row in rows_of(*PROTOS[:6]) if row["rport"] > 0]
    for (addr,), of in groups(rows, "raddr").items():
        def count(*names):
            return sum(row["state"] in names for row in of)
        named = ("ESTABLISHED", "TIME_WAIT", "CLOSE_WAIT")
        lines.append({"remote_addr": addr, "remote_scope": scope(addr), "sockets": len(of), "established": count(named[0]),
                      "time_wait": count(named[1]), "close_wait": count(named[2]), "other": len(of) - count(*named),
                      "unread": sum(row["recv_q"] for row in of), "unsent": sum(row["send_q"] for row in of)})
    return sorted(lines, key=lambda line: (-line["sockets"], line["remote_addr"]))[:top]


def leak_counts(of):
    return {"sockets": len(of), "seen_end": sum(row["recv_q"] == 0 for row in of),
            "unread": sum(row["recv_q"] > 0 for row in of), "bytes": sum(max(0, row["recv_q"] - 1) for row in of)}


def leaks(top=10):
    rows = [row for row in rows_of("tcp", "tcp6") if row["state"] == "CLOSE_WAIT"]
    programs = [{"section": "programs", "program": program, "pid": pid, "peers": len({row["raddr"] for row in of}),
                 **leak_counts(of)} for (program, pid), of in groups(rows, "program", "pid").items()]
    ports = [{"section": "ports", "program": program, "local_port": lport, "remote_addr": raddr, "remote_port": rport,
              **leak_counts(of)}
             for (program, lport, raddr, rport), of in groups(rows, "program", "lport", "raddr", "rport").items()]
    programs.sort(key=lambda line: (-line["sockets"], last(line["program"]), last(line["pid"])))
    ports.sort(key=lambda line: (-line["sockets"], line["local_port"], line["remote_addr"], line["remote_port"]))
    return programs + ports[:top] if rows else []


def drain(top=10):
    rows = [row for row in rows_of("tcp", "tcp6") if row["state"] == "TIME_WAIT"]
    times = sorted(row["expires"] for row in rows if row["expires"] is not None)
    tenths = []
    for part in range(1, 11) if times else []:
        count = math.ceil(len(times) * part / 10)
        tenths.append({"section": "tenths", "gone": part * 10, "sockets": count, "after": times[count - 1]})
    lines = []
    for (addr,), of in groups(rows, "raddr").items():
        known = [row["expires"] for row in of if row["expires"] is not None]
        lines.append({"section": "peers", "remote_addr": addr, "sockets": len(of), "ports": len({row["rport"] for row in of}),
                      "first": min(known, default=None), "last": max(known, default=None)})
    return tenths + sorted(lines, key=lambda line: (-line["sockets"], line["remote_addr"]))[:top]


WAITS_FOR = {"FIN_WAIT1": "the peer to acknowledge that we closed", "FIN_WAIT2": "the peer to close as well",
             "CLOSING": "the peer to acknowledge; both have closed",
             "LAST_ACK": "the peer to acknowledge that we closed after it", "TIME_WAIT": "late segments to be over"}


def gone(row):
    """Without settings in the tree only countdowns are known."""
    if row["timer"] == "timewait" or row["state"] == "FIN_WAIT2" and not row["inode"] and row["timer"] == "keepalive":
        return row["expires"]
    return None


def dying(top=10):
    rows = [row for row in rows_of("tcp", "tcp6") if row["state"] in WAITS_FOR]
    lines = []
    for state, words in WAITS_FOR.items():
        of = [row for row in rows if row["state"] == state]
        orphans = [row for row in of if state != "TIME_WAIT" and row["timer"] != "timewait" and not row["inode"]]
        lines.append({"section": "states", "state": state, "sockets": len(of), "orphans": len(orphans), "waits_for": words,
                      "unsent": sum(row["send_q"] for row in of),
                      "gone": max((gone(row) for row in of if gone(row) is not None), default=None)})
    for number, row in enumerate(rows):
        row["order"] = number
    rows.sort(key=lambda row: (gone(row) is None, -(gone(row) or 0), row["order"]))
    return lines + [{"section": "sockets", "state": row["state"], "local_addr": row["laddr"], "local_port": row["lport"],
                     "remote_addr": row["raddr"], "remote_port": row["rport"], "send_q": row["send_q"], "gone": gone(row)}
                    for row in rows[:top]] if rows else []


RANK = {"any": 1, "public": 2, "private": 3, "multicast": 4, "link": 5, "loopback": 6}


def listeners():
    return [row for row in rows_of(*PROTOS[:6]) if row["state"] in ("LISTEN", "UNCONN") and row["lport"] > 0]


def service(row):
    return services(row["proto"][:3]).get(row["lport"])


def listen():
    half = [row for row in rows_of("tcp", "tcp6") if row["state"] == "SYN_RECV"]
    lines = []
    for row in listeners():
        reach = scope(row["laddr"])
        line = {"proto": row["proto"], "local_addr": row["laddr"], "local_port": row["lport"], "scope": reach,
                "service": service(row), "user": user(row["uid"]), "pid": row["pid"], "program": row["program"]}
        if row["state"] == "LISTEN":
            line["waiting"] = row["recv_q"]
            line["half_open"] = sum(one["lport"] == row["lport"] and (reach == "any" or one["laddr"] == row["laddr"])
                                    for one in half)
        lines.append(line)
    return sorted(lines, key=lambda line: (RANK[line["scope"]], line["local_port"], line["proto"], line["local_addr"]))


def exposed():
    rows = [dict(row, base=row["proto"].rstrip("6"), scope=scope(row["laddr"])) for row in listeners()]
    rows = [row for row in rows if row["scope"] != "loopback"]
    lines = []
    for (program, base, port), of in groups(rows, "program", "base", "lport").items():
        lines.append({"program": program, "proto": base, "port": port, "service": service(of[0]),
                      "scope": min((row["scope"] for row in of), key=RANK.get), "user": user(of[0]["uid"]),
                      "addresses": list(dict.fromkeys(row["laddr"] for row in of))})
    return sorted(lines, key=lambda line: (RANK[line["scope"]], line["port"], line["proto"] + (line["program"] or "")))


json.dump(globals()[REPORT](), sys.stdout)
