"""What the reports ports, queues, timers and retrans must say of a tree, from its text alone.

Usage: reports_oracle.py REPORT TREE FILE    FILE: what `sockq --proc TREE REPORT --json` wrote

Prints a line for each difference; the last line counts what was compared.
"""
import ipaddress
import json
import math
import os
import re
import sys

STATES = {1: "ESTABLISHED", 2: "SYN_SENT", 3: "SYN_RECV", 4: "FIN_WAIT1", 5: "FIN_WAIT2", 6: "TIME_WAIT", 7: "CLOSE",
          8: "CLOSE_WAIT", 9: "LAST_ACK", 10: "LISTEN", 11: "CLOSING"}
TIMERS = {0: "off", 1: "on", 2: "keepalive", 3: "timewait", 4: "probe"}


def address(digits):
    raw = b"".join(bytes.fromhex(digits[i:i + 8])[::-1] for i in range(0, len(digits), 8))
    found = ipaddress.ip_address(raw)
    if found.version == 6 and found.ipv4_mapped:
        return "::ffff:" + str(found.ipv4_mapped)
    return str(found)


def read(tree, path):
    try:
        with open(os.path.join(tree, path)) as file:
            return file.read()
    except OSError:
        return None


def programs(tree):
    found = {}
    for pid in sorted((name for name in os.listdir(tree) if name.isdigit()), key=int):
        name = read(tree, pid + "/cmdline").split("\0")[0]
        for fd in os.listdir(f"{tree}/{pid}/fd"):
            inode = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(f"{tree}/{pid}/fd/{fd}"))
            if inode:
                found.setdefault(int(inode[1]), name)
    return found


def rows(tree, tables):
    names = programs(tree)
    for table in tables:
        for line in (read(tree, "net/" + table) or "").splitlines()[1:]:
            w = line.split()
            (laddr, lport), (raddr, rport) = (end.split(":") for end in w[1:3])
            tx, rx = w[4].split(":")
            code, when = w[5].split(":")
            code, state = int(code, 16), int(w[3], 16)
            tcp = table.startswith("tcp")
            full = tcp and len(w) >= 17
            yield {
                "proto": table, "laddr": address(laddr), "lport": int(lport, 16), "raddr": address(raddr),
                "rport": int(rport, 16), "state": STATES[state] if tcp else None, "tx": int(tx, 16), "rx": int(rx, 16),
                "code": code, "expires": int(when, 16) / 100 if code else None, "retrans": int(w[6], 16),
                "probes": int(w[8]), "inode": int(w[9]), "rto": int(w[12]) / 100 if full else None,
                "program": names.get(int(w[9])) if int(w[9]) else None,
            }


def ports(tree):
    text = read(tree, "sys/net/ipv4/ip_local_port_range")
    usable = None
    if text:
        low, high = map(int, text.split())
        usable = set(range(low, high + 1))
        for piece in (read(tree, "sys/net/ipv4/ip_local_reserved_ports") or "").strip().split(","):
            if piece:
                ends = [int(n) for n in piece.split("-")]
                usable -= set(range(ends[0], ends[-1] + 1))
    every = list(rows(tree, ("tcp", "tcp6")))
    listening = {r["lport"] for r in every if r["state"] == "LISTEN"}
    groups = {}
    for r in every:
        if r["rport"] and r["lport"] not in listening and (usable is None or r["lport"] in usable):
            key = (re.sub("^::ffff:", "", r["laddr"]), re.sub("^::ffff:", "", r["raddr"]), r["rport"])
            used, waits = groups.setdefault(key, (set(), []))
            used.add(r["lport"])
            if r["state"] == "TIME_WAIT":
                waits.append(r)
    for (source, destination, port), (used, waits) in groups.items():
        yield {"source": source, "destination": destination, "port": port, "used": len(used),
               "of": usable and len(usable), "time_wait": len(waits),
               "percent": usable and round(100 * len(used) / len(usable), 1)}


def queues(tree):
    every = list(rows(tree, ("tcp", "tcp6", "udp", "udp6")))
    ends = ("CLOSE_WAIT", "CLOSING", "LAST_ACK")
    sums = {}
    for r in every:
        if r["state"] == "LISTEN":
            if r["rx"]:
                yield {"section": "accept", "program": r["program"], "local_addr": r["laddr"], "local_port": r["lport"],
                       "waiting": r["rx"]}
            continue
        if r["code"] == 4:
            yield {"section": "closed", "program": r["program"], "local_addr": r["laddr"], "local_port": r["lport"],
                   "remote_addr": r["raddr"], "remote_port": r["rport"], "state": r["state"], "send_q": r["tx"],
                   "probes": r["probes"], "next": r["expires"]}
        if r["rx"] and not (r["rx"] == 1 and r["state"] in ends):
            sums.setdefault(("unread", r["program"], r["proto"]), []).append(r)
        if r["tx"] and r["state"] != "SYN_SENT" and not (r["tx"] == 1 and r["state"] in
                                                        ("FIN_WAIT1", "CLOSING", "LAST_ACK")):
            sums.setdefault(("unsent", r["program"], r["proto"]), []).append(r)
    for (section, program, proto), some in sums.items():
        name = "rx" if section == "unread" else "tx"
        row = {"section": section, "program": program, "proto": proto, "sockets": len(some),
               "bytes": sum(r[name] for r in some), "most": max(r[name] for r in some)}
        if section == "unsent":
            row["peers"] = len({r["raddr"] for r in some})
            row["retransmitting"] = sum(r["retrans"] > 0 and r["code"] != 3 for r in some)
        yield row


def timers(tree):
    counts = {}
    for r in rows(tree, ("tcp", "tcp6")):
        if r["code"]:
            counts.setdefault((TIMERS[r["code"]], r["state"]), []).append(r["expires"])
            yield {"section": "timers", "expires": r["expires"], "timer": TIMERS[r["code"]], "state": r["state"],
                   "local_addr": r["laddr"], "local_port": r["lport"], "remote_addr": r["raddr"],
                   "remote_port": r["rport"]}
    for (timer, state), some in counts.items():
        yield {"section": "counts", "timer": timer, "state": state, "count": len(some), "soonest": min(some),
               "latest": max(some)}


def lasting(first, tries, expires, retries, orphan):
    """A connection that never had an answer, timeout by timeout: when it ends, seen from where `tries` had
    been; None if it would not have lived so long."""
    def limit(boundary):
        steps = int(math.log2(120 / 0.2))
        waits = [0.2 * 2 ** i for i in range(steps + 1)] + [120] * 1000
        return sum(waits[:boundary + 1])

    clock, wait, fired, at = None, first, 0, None
    while True:
        # The wait ends here: `fired` timeouts have been.
        boundary = retries
        if orphan:
            boundary = (8 if wait < 120 else 0) if retries == 0 else retries
        if fired == tries:
            at = expires
        if clock is not None and clock >= limit(boundary) - 1e-9:
            return at
        clock = 0 if clock is None else clock
        fired += 1
        wait = min(wait * 2, 120)
        clock += wait
        if at is not None:
            at += wait


def number(tree, name):
    text = read(tree, "sys/net/ipv4/" + name)
    return int(text) if text else None


def resend_range(tree, r):
    orphan = r["inode"] == 0 and r["state"] in ("FIN_WAIT1", "CLOSING", "LAST_ACK")
    retries = number(tree, "tcp_orphan_retries" if orphan else "tcp_retries2")
    if r["rto"] < 120:
        firsts = [(r["rto"] + step / 1000) / 2 ** r["retrans"] for step in (0, 3, 6, 9.99)]
    else:
        firsts = [0.2 * 1.01 ** step for step in range(650)]
        firsts = [first for first in firsts if first * 2 ** r["retrans"] >= 120]
    ends = [lasting(first, r["retrans"], r["expires"], retries, orphan) for first in firsts]
    ends = [end for end in ends if end is not None]
    return (min(ends), max(ends)) if ends else None


def retrans(tree):
    closing = ("FIN_WAIT1", "CLOSING", "LAST_ACK")
    for r in rows(tree, ("tcp", "tcp6")):
        orphan = r["inode"] == 0 and r["state"] in closing
        setting, bounds = None, None
        if r["code"] == 1:
            tries = r["retrans"]
            kind = {"SYN_SENT": "syn", "SYN_RECV": "syn-ack"}.get(r["state"], "resend")
            setting = {"syn": "tcp_syn_retries", "syn-ack": "tcp_synack_retries"}.get(
                kind, "tcp_orphan_retries" if orphan else "tcp_retries2")
            if kind == "resend" and tries:
                bounds = resend_range(tree, r)
            elif kind == "syn-ack":
                left = max(0, number(tree, "tcp_synack_retries") + (r["rto"] is not None) - tries)
                end = r["expires"] + sum(2 ** (tries + 1 + i) for i in range(left))
                bounds = (end, end)
        elif r["code"] == 4:
            kind, tries = "probe", r["probes"]
            setting = "tcp_orphan_retries" if orphan else "tcp_retries2"
        elif r["code"] == 2 and not (r["state"] == "FIN_WAIT2" and r["inode"] == 0):
            kind, tries, setting = "keepalive", r["probes"], "tcp_keepalive_probes"
            left, each = number(tree, setting) - tries, number(tree, "tcp_keepalive_intvl")
            if left >= 0 and r["expires"] <= each:
                bounds = (r["expires"] + left * each,) * 2
        else:
            continue
        if tries or kind == "probe":
            yield {"kind": kind, "tries": tries, "state": r["state"], "program": r["program"], "local_addr": r["laddr"],
                   "local_port": r["lport"], "remote_addr": r["raddr"], "remote_port": r["rport"], "next": r["expires"],
                   "send_q": r["tx"], "setting": setting, "_bounds": bounds}


def key(row, names):
    return tuple(str(row.get(name)) for name in names)


ORDER = {
    "ports": lambda rows: [(-r["used"], r["source"]) for r in rows],
    "queues": None,
    "timers": lambda rows: [r["expires"] for r in rows if r["section"] == "timers"],
    "retrans": lambda rows: [r["gives_up"] if r["gives_up"] is not None else math.inf for r in rows],
}


def main():
    report, tree, file = sys.argv[1:]
    wanted = list({"ports": ports, "queues": queues, "timers": timers, "retrans": retrans}[report](tree))
    got = json.load(open(file))
    order = ORDER[report] and ORDER[report](got)
    if order and order != sorted(order):
        print("not in order")
    names = sorted({name for row in wanted for name in row if name[0] != "_"})
    got.sort(key=lambda row: key(row, names))
    wanted.sort(key=lambda row: key(row, names))
    for have, want in zip(got, wanted):
        for name in want:
            if name == "_bounds":
                bounds = want[name]
                if bounds and not (have["gives_up"] is not None and have["gives_up"] <= bounds[0] + 0.02 and
                                   have["latest"] >= bounds[1] - 0.02):
                    print(f"not within: {have} {bounds}")
                elif bounds and have["kind"] == "resend" and have["gives_up"] < bounds[0] - 125:
                    print(f"too early: {have} {bounds}")
            elif isinstance(want[name], float):
                if have[name] is None or abs(have[name] - want[name]) > 0.0501:
                    print(f"{name}: {have} is not {want}")
            elif have[name] != want[name]:
                print(f"{name}: {have} is not {want}")
    if len(got) != len(wanted):
        print(f"{len(got)} rows, {len(wanted)} are wanted")
    print(f"compared {len(wanted)} rows, {sum(1 for row in wanted if row.get('_bounds'))} times")


main()
