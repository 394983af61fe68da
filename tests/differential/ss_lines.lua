--- Command lines of ss for comparisons: options, state words and filters, each a line of words as a shell
-- would split them at blanks; and the tree that the filters are about.

local posix = require "posix"

local lines = {}

lines.OPTIONS = [[

-a
-an
-anH
-tan
-tano
-tani
-tanm
-tanT
-tanoe
-tanie
-tae
-tuwnaie
-l
-ln
-lt
-la
-al
-t
-u
-un
-w
-x
-xa
-0
-0a
-4
-6
-4an
-6an
-4 -6 -an
-6 -4 -an
-4t
-tx -a
-tuwna
-0 -4
-t -x -0 -l
-f inet
-f inet6 -a
-f link
-f unix -a
-f netlink
-f netlink -an
-e -f netlink
-e -f netlink -a
-ne -f netlink -a
-em -f netlink -a
-f vsock
-f xdp
-f tipc
--tipc -a
-A all
-A all -an
-A inet -an
-A tcp
-A udp
-A udp -a
-u -A tcp
-A tcp -u
-A tcp -A udp -n
-A tcp,udp,raw -an
-A u_str
-A u_dgr -a
-A unix_seqpacket,u_seq -a
-A unix,packet -a
-A netlink
-A netlink -l
-A packet
-A packet -a
-A p_raw -a
-A p_dgr -an
-A all,!tcp -an
-A !tcp
-t -A !tcp
-A tcp,!tcp
-A inet,!udp,!raw -a
-A dccp,sctp,mptcp -a
-d
-S -a
-M -a
-O -an
-b -0a
-e -0an
-e -x -a
-b -tan
-m -x -a
-s
-s -t
-s -an sport = 22
--tcp --all --numeric
--ta
--t
--no
--num -t --al
--list -n
--no-header -tan
--inet-s -tan
--oneline -tani
--tos --cgroup -tan
--bogus
--tcp=3
-B
-U
-Q
-f
-f nope
-f inet,unix
-f help
-A
-A nope
-A tcp,,udp
-A !
-A TCP
-h
-V
-hV
-Vh
-v
-Z
-z
-tZ
-h nope (
-F /nonexistent/file
-F /nonexistent/a -F /nonexistent/b
-N nosuch-namespace
-tan -N nosuch-namespace
-D /dev/null -u
-t -- sport = 22
]]

lines.STATES = [[
state established
state ESTABLISHED
state all
state listening
state listening state time-wait
state connected
state synchronized
state bucket
state big
state unknown
state closed
state unconnected exclude closed
exclude established
exclude all
exclude connected
excl listening exclude time-wait
state syn-sent state syn-recv state syn-rcv
state fin-wait-1 state fin-wait-2 state close-wait state last-ack state closing
state listen
state estab
state
state all state
state nope sport = 22
exclude
]]

lines.FILTERS = [[
sport = 22
sport 22
sport == :22
sport eq ssh
dport != 443
dport ne :443
sport < 1024
sport lt 1024
sport > 1024
sport gt 40000
sport <= 80
sport leq 80
sport le 53
sport >= 443
sport geq 443
sport ge 22
dport = *
dport > *
dport < *
dport >= :https
dport = nosuchservice
dport = 70000
dport = 0x16
sport = 026
sport = 127.0.0.1:22
sport = inet:22
sport = inet6:22
sport = unix:*
sport = link:22
sport = netlink:22
sport = [22]
sport = ::22
sport =
sport
src 10.1.2.3
src = 10.1.2.3
src == 10.1.2.3
src eq 10.1.2.3:22
src != 10.1.2.3
not src 10.1.2.3
! src 10.1.2.3
! ! src 10.1.2.3
src 10/8
src 10.1/16
src 127.1
src 0x0a.1.2.3
src 012.1.2.3
src 10.1.2.3/255.255.0.0
src 10.1.2.3/255.0.255.0
src 10.1.2.3/0
src 10.1.2.3/33
src 10.1.2.3/
src 10.1.2.3:x
src 10.1.2.3:*
src 10.1.2.3:22
src 1.2.3.4.5
src 256.1.1.1
src 0.0.0.0
dst 0.0.0.0
src [::]
dst [::]
src [::1]
src [::1]:22
src [::1/64]
src [fe80::]/10
src [fe80::/10]
src fe80::/10
src [::1
src ::1
src ::1:22
src [::ffff:10.1.2.3]
src 32.1.13.184
src any
src all
src default:22
src any/8
src *
src *:22
src *22
src *x
src :22
src inet:any
src inet6:any
src inet:
src inet6:10.1.2.3
src inet:::1
src inet:10/8
src INET:10.1.2.3
src inet6:[::1]:22
src unix:
src unix:*
src unix:/tmp/*
src unix:/TMP/*
src unix:@*
src unix:[ab]*
src unix:?????
dst unix:
dst unix:*
dst unix:/x
src link:ip
src link:IP
src link:0x806
src link:65536
src link:*:22
src link:arp:if22
src link:nosuchproto
src netlink:0:1234
src netlink:rtnl
src netlink:RTNL
src netlink:genl:kernel
src netlink:*:-4296
src netlink:256
dst netlink:*:-1
src vsock:1:2
src vsock:x
autobound
not autobound
autobound or sport = 22
autobound 3
dev 0
dev != 0
dev = if22
dev if0
dev nosuchdevice
dev 22
dev < 3
fwmark 0
fwmark != 0
fwmark 1/0
fwmark 0x10/0xff
fwmark 1/
fwmark x
fwmark 1/2/3
fwmark 1x
cgroup /nonexistent/group
cgroup != /
cgroup
sport = 22 and dport = 0
sport = 22 dport = 0
sport = 22 && dport = 0
sport = 22 & dport = 0
sport = 22 or dport = 443
sport = 22 || dport = 443
sport = 22 | dport = 443
sport = 22 or sport = 80 and dport = 0
sport = 22 or ( sport = 80 and dport = 0 )
dport = 0 and sport = 22 or sport = 80
not sport = 22 and not sport = 80
not ( sport = 22 or sport = 80 )
( ( src 10/8 ) )
( src 10/8 or dst 10/8 ) and not ( sport > 1023 dport = 0 )
src 10/8 or not src 127/8 dst 0.0.0.0
src 10/8 sport = 22 or autobound ! dst any
inet src 1
(
)
( )
( sport = 22
sport = 22 )
sport = 22 and
sport = 22 or
and sport = 22
or
not
sport = 22 and or dport = 2
sport = 22 23
sport = 22 bogus
sport = 22 and bogus
dev 0 bogus
fwmark 1 bogus
bogus
1.1.1.1
src 1.1.1.1 2.2.2.2
src 1.1.1.1 bogus
src sport
src and
src = = 1
dst src
sport > = 3
fwmark < 3
sport src 1
= 3
src 1 AND sport = 2
src 10.1.2.3 \sport = 22
src \10.1.2.3
src 10\.1.2.3
]]

local SPELLINGS = {
  "", "=", "==", "eq", "!=", "ne", "neq", "<", "lt", ">", "gt", "<=", "le", "leq", ">=", "ge", "geq", "<>", "=!",
}
local LINKS = { "and", "&", "&&", "or", "|", "||", "" }
-- Each is true of some rows of the tree and false of others.
local MEMBERS = { "sport = 22", "dport < 1024", "src 10/8", "not dst 0.0.0.0", "( sport = 80 or autobound )" }
-- Words behind src and dst.
local HOSTS = {
  "10.1.2.3", "10.1.2.3:40000", "10/8:40000", "127.0.0.1/8", "0/0", "10.1.2.2/31", "1.2.3.4/31", "10.1.2/24",
  "255.255.255.255", "::/0", "[::/0]", "[::ffff:0:0/96]", "[2001:db8::]", "[2001:db8::/32]:443", "2001:db8::/32:443",
  "[fe80::2]:ssh", "[::1]:*", "*:*", "*:ssh", ":*", "10.1.2.3/8:ssh", "inet:10/8:40000", "inet6:fe80::/10",
  "inet6:[::1]:22", "inet:*", "link:*", "netlink:*", "netlink:15:22", "netlink:16", "unix:/run/*", "unix:@ABC*",
  "unix:[!@]*", "010.1.2.3", "0xff.0xff.0xff.0xff",
}

--- Filters made from their parts: every operator in every spelling, hosts on both sides, and two or three
--- conditions in every order of and, or, not and groups.
---@return string[][]
function lines.filters()
  local all = {}
  local function add(...) all[#all + 1] = table.concat({ ... }, " ") end
  for _, side in ipairs { "sport", "dport" } do
    for i, operator in ipairs(SPELLINGS) do
      add(side, operator, ({ "22", ":443", "ssh", "0", "65535" })[i % 5 + 1])
      add("not", side, operator, ({ "*", "1023", ":domain" })[i % 3 + 1])
    end
  end
  for _, name in ipairs { "dev", "fwmark" } do
    for _, operator in ipairs(SPELLINGS) do add(name, operator, "22") end
  end
  for i, host in ipairs(HOSTS) do
    add("src", host)
    add("dst", ({ "=", "==", "eq" })[i % 3 + 1], host)
  end
  for i, a in ipairs(MEMBERS) do
    for j, first in ipairs(LINKS) do
      local b, c, second = MEMBERS[(i + j) % 5 + 1], MEMBERS[(i + 2 * j) % 5 + 1], LINKS[(i * j) % 7 + 1]
      add(a, first, b, second, c)
      add(a, first, "(", b, second, c, ")")
      add("not (", a, first, b, ")", second, "not", c)
      add(a, first, first, b)
      add(a, first, b, second)
    end
  end
  return lines.lists(table.concat(all, "\n") .. "\n")
end

--- A filter of so many conditions, as words.
---@param count integer
---@return string[]
function lines.long(count)
  local list = { "-tan" }
  for i = 1, count do
    list[#list + 1] = "sport"
    list[#list + 1] = tostring(i % 2 == 0 and i or 65535 - i)
    list[#list + 1] = "or"
  end
  list[#list] = nil
  return list
end

--- One line a list of words.
---@param text string
---@return string[][]
function lines.lists(text)
  local all = {}
  for line in text:gmatch "([^\n]*)\n" do
    local list = {}
    for word in line:gmatch "%S+" do list[#list + 1] = word end
    all[#all + 1] = list
  end
  return all
end

local HEADS = {
  inet = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n",
  unix = "Num       RefCount Protocol Flags    Type St Inode Path\n",
  netlink = "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n",
  packet = "sk       RefCnt Type Proto  Iface R Rmem   User   Inode\n",
}

local ANY4, ANY6 = "00000000", ("0"):rep(32)
local LO6 = ("0"):rep(24) .. "01000000"
local MAPPED = "0000000000000000FFFF00000302010A"

-- { local address, port, remote address, port, state }, addresses as the kernel prints them.
local INET4 = {
  { ANY4, 22, ANY4, 0, 10 }, { "0100007F", 53, ANY4, 0, 10 }, { "0302010A", 40000, "0909090A", 443, 1 },
  { "0000017F", 80, "08080808", 53, 1 }, { "0100000A", 22, "0200000A", 5555, 6 }, { "B80D0120", 1, "04030201", 2, 8 },
  { "FFFFFFFF", 65535, "0000000A", 0, 3 }, { "0302010A", 4900, "0100007F", 80, 2 }, { ANY4, 9, ANY4, 0, 7 },
}
local INET6 = {
  { ANY6, 80, ANY6, 0, 10 }, { LO6, 22, LO6, 40001, 1 }, { MAPPED, 22, "0000000000000000FFFF000004030201", 5, 1 },
  { "B80D0120000000000000000001000000", 443, "000080FE000000000000000002000000", 22, 4 },
  { "000080FE000000000000000001000000", 9, ANY6, 0, 7 }, { "0000000000000000000000000302010A", 1025, LO6, 1, 5 },
}

local function inet(rows, tail)
  local text = { HEADS.inet }
  for i, row in ipairs(rows) do
    local line = ("%4d: %s:%04X %s:%04X %02X 00000001:00000002 0%d:%08X %08X %5d %8d %d 1 %s"):format(i, row[1], row[2],
      row[3], row[4], row[5], i % 4, i * 300, i % 3, i * 500, i % 2, 7000 + i, tail)
    text[#text + 1] = line .. (" "):rep(149 - #line) .. "\n"
  end
  return table.concat(text)
end

-- { flags, type, state, inode, name }
local UNIX = {
  { 0x10000, 1, 1, 22, "/tmp/a" }, { 0, 1, 3, 53 }, { 0, 1, 3, 40000, "/tmp/B.sock" }, { 0, 2, 1, 101, "@00a1f" },
  { 0, 2, 1, 102, "@abc" }, { 0, 5, 3, 3000000000, "@/tmp/x" }, { 0, 2, 1, 104, "/run/abc/def" },
  { 0, 1, 3, 105, "@ABCDE" }, { 0, 1, 3, 106, "@12345" }, { 0, 1, 2, 107, "b" },
}
-- { protocol, port id, groups }
local NETLINK = { { 0, 0, 0 }, { 0, 1234, 1 }, { 0, 4294963000, 0 }, { 15, 22, 2 }, { 16, 0, 0 }, { 10, 53, 0 },
  { 4, 4294967295, 0 } }
-- { type, protocol, device }
local PACKET = { { 3, 3, 1 }, { 2, 0x800, 0 }, { 3, 0x806, 22 }, { 3, 0, 0 }, { 2, 10, 10 } }

local function rows(head, list, form)
  local text = { head }
  for i, row in ipairs(list) do text[#text + 1] = form(row, i) end
  return table.concat(text)
end

--- Copy a tree's tables. Of unix sockets without their pointers: what ss makes of these has a test of its own.
---@param from string
---@param to string
function lines.copy_tree(from, to)
  posix.mkdirs(to .. "/net")
  for _, name in ipairs(posix.list(from .. "/net")) do
    local text = posix.read_file(from .. "/net/" .. name)
    if text and name == "unix" then text = text:gsub("\n%x+: ", "\n0000000000000000: ") end
    if text then posix.write_file(to .. "/net/" .. name, text) end
  end
end

--- Make a tree with rows of every family that the filters tell apart.
---@param dir string
function lines.make_tree(dir)
  posix.mkdirs(dir .. "/net")
  local function write(name, text) posix.write_file(dir .. "/net/" .. name, text) end
  local tail = "ffff888012345678 20 4 30 10 -1"
  write("tcp", inet(INET4, tail))
  write("tcp6", inet(INET6, tail))
  for _, name in ipairs { "udp", "raw" } do
    write(name, inet(INET4, "ffff888012345678 0"))
    write(name .. "6", inet(INET6, "ffff888012345678 0"))
  end
  write("unix", rows(HEADS.unix, UNIX, function(row)
    return ("%016x: 00000002 00000000 %08X %04X %02X %5d%s\n"):format(0, row[1], row[2], row[3], row[4],
      row[5] and " " .. row[5] or "")
  end))
  write("netlink", rows(HEADS.netlink, NETLINK, function(row, i)
    return ("%016x %-3d %-10d %08x %-8d %-8d %-5d %-8d %-8d %-8d\n"):format(0, row[1], row[2], row[3], 0, 0, 0, 2, 0, i)
  end))
  write("packet", rows(HEADS.packet, PACKET, function(row, i)
    return ("%016x %-6d %-4d %04x   %-5d %1d %-6d %-6d %-6d\n"):format(0, 3, row[1], row[2], row[3], 1, 64, 0, i)
  end))
  write("sockstat", "sockets: used 14\nTCP: inuse 11 orphan 12 tw 13 alloc 14 mem 15\nUDP: inuse 21 mem 22\n"
    .. "UDPLITE: inuse 31\nRAW: inuse 41\nFRAG: inuse 51 memory 52\n")
  write("sockstat6", "TCP6: inuse 111\nUDP6: inuse 121\nUDPLITE6: inuse 131\nRAW6: inuse 141\nFRAG6: inuse 151 memory 0\n")
  write("snmp", "Ip: A B\nIp: 1 2\nTcp: RtoAlgorithm CurrEstab X\nTcp: 7 8 9\n")
end

return lines
