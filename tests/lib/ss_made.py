"""Sockets of families that few kernels know, as sock_diag tells of them, for tests/bad/diag.c.

    ss_made.py OUT INODE SEED [TREE]   one of each kind, and more by chance; INODE: one that a process has;
                                       TREE: of SCTP what /proc/net/sctp has of the same sockets
"""

import os
import random
import socket
import struct
import sys

VSOCK, TIPC, XDP = 40, 30, 44
DCCP, SCTP, RAW = 33, 132, 255
EVERY_STATE = 0xFFF
LISTEN, CLOSE = 1 << 10, 1 << 7
# include/uapi/linux/inet_diag.h
INFO, TOS, TCLASS, SKMEMINFO, SHUTDOWN, PROTOCOL, V6ONLY, LOCALS, PEERS, MARK, CLASS_ID, CGROUP, SOCKOPT = (
    2, 5, 6, 7, 8, 10, 11, 12, 13, 15, 17, 21, 22)
NUMBERS = (0, 1, 2, 7, 255, 1000, 65535, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)

out_path, held, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
tree = sys.argv[4] if len(sys.argv) > 4 else None
chance = random.Random(seed)
records = []


def record(family, protocol, states, payload=b""):
    head = struct.pack("=BBHI", family, protocol, len(payload), states)
    records.append(head + payload + b"\0" * (-len(payload) % 4))


def attribute(kind, payload):
    data = struct.pack("=HH", 4 + len(payload), kind) + payload
    return data + b"\0" * (-len(payload) % 4)


def u32(kind, number):
    return attribute(kind, struct.pack("=I", number & 0xFFFFFFFF))


def number():
    return chance.choice(NUMBERS) if chance.random() < 0.6 else chance.getrandbits(32)


def maybe(piece, likely=0.7):
    return piece if chance.random() < likely else b""


def some_inode():
    return chance.choice((0, chance.getrandbits(20) + 1, chance.getrandbits(32)))


# vsock

def vsock(kind, state, src_cid, src_port, dst_cid, dst_port, inode, cookie):
    record(VSOCK, 0, 1 << state, struct.pack("=BBBBIIIIIII", VSOCK, kind, state, 0, src_cid, src_port, dst_cid,
                                             dst_port, inode, cookie, 0))


ANY = 0xFFFFFFFF
vsock(1, 10, ANY, 1024, ANY, ANY, held, 1)
vsock(1, 1, 3, 1024, 2, 70000, 7002, 2)
vsock(1, 1, 2, 70000, 3, 1024, 3000000000, 3)
vsock(2, 7, 2, 22, ANY, ANY, 0, 4)
vsock(5, 1, 4294967294, 4000000000, 1, 1, 7005, 5)
vsock(1, 2, 3, ANY, 0, 0, 7006, 6)
vsock(1, 4, 3, 5, 2, 6, 7007, 7)

# inet_diag: sctp, dccp, raw


def address(family, text):
    return socket.inet_pton(family, text)


def inet(protocol, states, family, state, timer, ports, src, dst, device, cookie, times, queues, uid, inode, attributes):
    expires, retrans = times
    payload = struct.pack("=BBBB", family, state, timer, retrans)
    payload += struct.pack(">HH", *ports) + src.ljust(16, b"\0") + dst.ljust(16, b"\0")
    payload += struct.pack("=III", device, cookie & 0xFFFFFFFF, cookie >> 32)
    payload += struct.pack("=IIIII", expires, queues[0], queues[1], uid, inode)
    record(family, protocol, states, payload + attributes)


def storage(family, text):
    if family == socket.AF_INET:
        data = struct.pack("=HH", family, 0) + address(family, text)
    elif family == socket.AF_INET6:
        data = struct.pack("=HHI", family, 0, 0) + address(family, text)
    else:
        data = struct.pack("=H", family)
    return data.ljust(128, b"\0")


V4 = ("0.0.0.0", "127.0.0.1", "10.1.2.3", "192.0.2.255", "255.255.255.255")
V6 = ("::", "::1", "2001:db8::1", "fe80::1", "::ffff:10.1.2.3", "2001:db8:1:2:3:4:5:6")


def some_address(family):
    return chance.choice(V4 if family == socket.AF_INET else V6)


def some_list():
    kinds = (socket.AF_INET, socket.AF_INET6, socket.AF_INET, socket.AF_INET if tree else 9)
    families = [chance.choice(kinds) for _ in range(chance.randint(1, 4))]
    return b"".join(storage(f, some_address(f) if f in (2, 10) else "") for f in families)


def as_text(addresses):
    texts = []
    for at in range(0, len(addresses), 128):
        family, = struct.unpack_from("=H", addresses, at)
        if family == socket.AF_INET:
            texts.append(socket.inet_ntop(family, addresses[at + 4:at + 8]))
        else:
            texts.append(":".join("%04x" % group for group in struct.unpack_from(">8H", addresses, at + 8)))
    return " ".join(texts)


def sctp_info(numbers, size=None):
    data = struct.pack("=III", numbers(), chance.randint(0, 7), numbers())
    data += struct.pack("=HHHH", *(numbers() & 0xFFFF for _ in range(4)))
    data += struct.pack("=8I", *(numbers() for _ in range(8)))
    data += struct.pack("=BBH", numbers() & 255, numbers() & 255, 0)
    data += struct.pack("=14Q", *(numbers() for _ in range(14))) + some_list()[:128].ljust(128, b"\0")
    data += struct.pack("=11I", *(numbers() for _ in range(11))) + struct.pack("=HH", numbers() & 0xFFFF, 0)
    data += struct.pack("=III", *(numbers() for _ in range(3)))
    data += struct.pack("=4B", *(numbers() & 255 for _ in range(4))) + struct.pack("=II", numbers(), 0)
    return data[:size]


def memory():
    return attribute(SKMEMINFO, struct.pack("=9I", *(number() for _ in range(9))))


def told(family, all_of_them=False):
    """What the kernel tells of a socket of any protocol."""
    likely = 1 if all_of_them else 0.6
    pieces = maybe(attribute(SHUTDOWN, bytes([chance.randint(0, 3)])), likely)
    pieces += maybe(attribute(TOS, bytes([chance.getrandbits(8)])), likely)
    pieces += maybe(u32(CLASS_ID, number()), likely) + maybe(u32(MARK, number()), likely / 2)
    pieces += maybe(attribute(CGROUP, struct.pack("=Q", chance.choice((0, 1, 0xABCDEF012)))), likely / 2)
    pieces += maybe(attribute(SOCKOPT, struct.pack("=BB", chance.getrandbits(8), chance.getrandbits(3))), likely)
    if family == socket.AF_INET6:
        pieces += maybe(attribute(TCLASS, bytes([chance.getrandbits(8)])), likely)
        pieces += maybe(attribute(V6ONLY, bytes([chance.randint(0, 1)])), likely)
    return pieces + maybe(memory(), likely)


cookies = 0


def cookie():
    global cookies
    cookies += 1
    return cookies | chance.choice((0, 1)) << 40


def some_times():
    return chance.choice((0, 4, 990, 3610, 61000, 7200000, 0xFFFFFFFF)), chance.choice((0, 1, 7, 255))


def some_ports():
    return chance.choice((0, 22, 80, 443, 33000, 65535)), chance.choice((0, 22, 80, 443, 40000, 65535))


endpoints, associations_of = [], []


def sctp_socket(family, state, listed, inode, associations, all_of_them=False):
    """A socket as it is told of among the listeners, or (listed) before its associations."""
    where = EVERY_STATE & ~(LISTEN | CLOSE) if listed else LISTEN
    ports, uid, one = some_ports(), chance.choice((0, 1000)), cookie()
    here = some_list()
    locals_ = attribute(LOCALS, here)
    if tree and not listed:
        endpoints.append("ffff0 ffff1 2 %d 29 %d %d %d %s" % (state, ports[0], uid, inode, as_text(here)))
    inet(SCTP, where, family, state, 0, (ports[0], 0) if tree else ports, address(family, some_address(family)), b"", 0, one, (0, 0),
         (chance.randint(0, 5), 128), uid, inode, told(family, all_of_them) + maybe(locals_, 1 if tree else 0.9) +
         maybe(attribute(INFO, sctp_info(lambda: 0)), 0.5))
    for _ in range(associations):
        step, queues, there = chance.randint(0, 7), (number(), number()), some_list()
        associations_of.append("ffff0 ffff1 2 %d %d 9 17 %d %d %d %d %d %d %s <-> %s \t5000 1 1 10 0 0 0" % (
            state, step, queues[1], queues[0], uid, inode, *ports, as_text(here), as_text(there)) if tree else "")
        inet(SCTP, where, family, step, chance.choice((0, 4)), ports,
             address(family, some_address(family)), address(family, some_address(family)), chance.choice((0, 1)),
             one, some_times(), queues, uid, inode,
             told(family, all_of_them) + locals_ + attribute(PEERS, there) +
             maybe(attribute(INFO, sctp_info(number, chance.choice((None, None, 40, 96, 0)))), 0.9))


for family in (socket.AF_INET, socket.AF_INET6):
    record(family, SCTP, 0)
    for inode in (8001 + family, held, 8020 + family):
        sctp_socket(family, 10, False, inode, 0, True)
    for _ in range(8):
        sctp_socket(family, 10, False, chance.getrandbits(20) + 9000, 0)
    sctp_socket(family, 1, True, 8100 + family, 1, True)
    sctp_socket(family, 7, True, held, 3, True)
    for _ in range(12):
        sctp_socket(family, chance.choice((1, 7, 8, 10)), True, chance.getrandbits(24) + 9000, chance.randint(0, 4))
    for protocol in (DCCP, RAW):
        record(family, protocol, 0)
        for turn in range(20):
            state = chance.choice((1, 7, 10, 8)) if protocol == DCCP else chance.choice((1, 7))
            kind = attribute(PROTOCOL, bytes([chance.choice((0, 1, 6, 17, 33, 58, 132, 89, 255))])) if protocol == RAW else b""
            inet(protocol, 1 << state, family, state, 0 if protocol == RAW else chance.choice((0, 1, 2, 4)), some_ports(),
                 address(family, some_address(family)), address(family, some_address(family)), chance.choice((0, 0, 1)),
                 cookie(), (0, 0) if protocol == RAW else some_times(), (chance.randint(0, 9999), chance.randint(0, 9999)), chance.choice((0, 1000)),
                 some_inode() if turn else held, told(family) + kind)


# TIPC: attributes within attributes (include/uapi/linux/tipc_netlink.h)

def tipc(kind, state, node, ref, inode, uid, counts, flags, con):
    members = u32(1, node) + u32(2, ref)
    members += attribute(3, con) if con is not None else b""
    members += maybe(attribute(4, b""), 0.5)
    members += attribute(5, counts + flags) + u32(6, kind) + u32(7, inode) + u32(8, uid) + u32(9, state)
    members += attribute(10, struct.pack("=Q", cookie()))
    record(TIPC, 0, 1 << state, attribute(2, members))


def tipc_counts():
    return u32(0, number()) + u32(1, number()), u32(4, number()) + maybe(attribute(2, b""), 0.4) + maybe(attribute(3, b""), 0.4)


record(TIPC, 0, 0)
for kind in (1, 2, 4, 5):
    for state in (1, 7, 10, 2, 8):
        counts, flags = tipc_counts()
        con = u32(2, number()) + u32(3, number())
        if chance.random() < 0.5:
            con += attribute(1, b"") + u32(4, number()) + u32(5, number())
        tipc(kind, state, number(), number(), chance.choice((held, number() or 5)), chance.choice((0, 1000)), counts, flags,
             con if state == 1 else None)


# AF_XDP (include/uapi/linux/xdp_diag.h)

def xdp(inode, info, rest):
    one = cookie()
    payload = struct.pack("=BBHIII", XDP, 3, 0, inode, one & 0xFFFFFFFF, one >> 32)
    record(XDP, 0, 0, payload + info + rest)


def ring(kind):
    return u32(kind, number())


def some_xdp():
    info = attribute(1, struct.pack("=II", chance.choice((0, 1, 1, 999)), chance.choice((0, 1, 33000, number()))))
    umem = attribute(5, struct.pack("=Q8I", chance.getrandbits(64), *(number() for _ in range(8))))
    stats = attribute(9, struct.pack("=6Q", *(chance.choice((0, 1, 1 << 63, chance.getrandbits(64))) for _ in range(6))))
    mem = attribute(8, struct.pack("=9I", *(number() for _ in range(9))))
    xdp(chance.choice((held, some_inode())), maybe(info, 0.9) + maybe(u32(2, chance.choice((0, 1000))), 0.8),
        maybe(ring(3)) + maybe(ring(4)) + maybe(umem) + maybe(ring(6)) + maybe(ring(7)) + maybe(mem, 0.9) + maybe(stats))


record(XDP, 0, 0)
for _ in range(25):
    some_xdp()

if tree:
    os.makedirs(tree + "/net/sctp")
    for name, head, lines in (("eps", " ENDPT     SOCK   STY SST HBKT LPORT   UID INODE LADDRS", endpoints),
                              ("assocs", " ASSOC     SOCK   STY SST ST HBKT ASSOC-ID TX_QUEUE RX_QUEUE UID INODE LPORT"
                               " RPORT LADDRS <-> RADDRS HBINT INS OUTS MAXRT T1X T2X RTXC", associations_of)):
        with open("%s/net/sctp/%s" % (tree, name), "w") as file:
            file.write("\n".join([head] + lines) + "\n")

with open(out_path, "wb") as file:
    file.write(b"".join(records))
