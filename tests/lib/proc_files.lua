--- Files of /proc that are no tables, as a server of Linux 6.1 has them, for trees that a test makes.
--
--   local files = proc_files.all { ["sys/net/ipv4/tcp_retries2"] = "3\n", uptime = false }
--   files["net/tcp"] = rows.file("tcp", { … })
--   local dir = tree.make(files)

local proc_files = {}

local TCP = { RtoAlgorithm = 1, RtoMin = 200, RtoMax = 120000, MaxConn = -1, ActiveOpens = 180, PassiveOpens = 240,
  AttemptFails = 4, EstabResets = 3, CurrEstab = 12, InSegs = 100000, OutSegs = 200000, RetransSegs = 500, InErrs = 0,
  OutRsts = 7, InCsumErrors = 0 }
local TCP_NAMES = { "RtoAlgorithm", "RtoMin", "RtoMax", "MaxConn", "ActiveOpens", "PassiveOpens", "AttemptFails",
  "EstabResets", "CurrEstab", "InSegs", "OutSegs", "RetransSegs", "InErrs", "OutRsts", "InCsumErrors" }
local UDP = { InDatagrams = 90000, NoPorts = 5, InErrors = 0, OutDatagrams = 80000, RcvbufErrors = 0, SndbufErrors = 0,
  InCsumErrors = 0, IgnoredMulti = 2, MemErrors = 0 }
local UDP_NAMES = { "InDatagrams", "NoPorts", "InErrors", "OutDatagrams", "RcvbufErrors", "SndbufErrors",
  "InCsumErrors", "IgnoredMulti", "MemErrors" }
local EXT = { SyncookiesSent = 0, TW = 150, DelayedACKs = 800, ListenOverflows = 0, ListenDrops = 0,
  TCPAbortOnMemory = 0, TCPMemoryPressures = 0, TCPTimeWaitOverflow = 0, TCPReqQFullDoCookies = 0, TCPReqQFullDrop = 0 }
local EXT_NAMES = { "SyncookiesSent", "TW", "DelayedACKs", "ListenOverflows", "ListenDrops", "TCPAbortOnMemory",
  "TCPMemoryPressures", "TCPTimeWaitOverflow", "TCPReqQFullDoCookies", "TCPReqQFullDrop" }

--- Two lines of snmp or netstat.
---@param group string
---@param names string[]
---@param values table<string, integer>
---@param changes? table<string, integer>
function proc_files.group(group, names, values, changes)
  local line = { group .. ":" }
  for i, name in ipairs(names) do line[i + 1] = tostring((changes or {})[name] or values[name]) end
  return group .. ": " .. table.concat(names, " ") .. "\n" .. table.concat(line, " ") .. "\n"
end

--- net/snmp with some counters changed.
---@param tcp? table<string, integer>
---@param udp? table<string, integer>
function proc_files.snmp(tcp, udp)
  return "Ip: Forwarding DefaultTTL InReceives\nIp: 1 64 190000\n"
    .. "IcmpMsg: InType3 InType8 OutType3\nIcmpMsg: 5 6 7\n"
    .. proc_files.group("Tcp", TCP_NAMES, TCP, tcp) .. proc_files.group("Udp", UDP_NAMES, UDP, udp)
end

--- net/netstat with some counters changed.
---@param ext? table<string, integer>
function proc_files.netstat(ext)
  return proc_files.group("TcpExt", EXT_NAMES, EXT, ext)
    .. "IpExt: InOctets OutOctets\nIpExt: 9007199254740991 1234567890123\n"
end

local FILES = {
  ["sys/net/ipv4/tcp_retries1"] = "3\n",
  ["sys/net/ipv4/tcp_retries2"] = "15\n",
  ["sys/net/ipv4/tcp_syn_retries"] = "6\n",
  ["sys/net/ipv4/tcp_synack_retries"] = "5\n",
  ["sys/net/ipv4/tcp_orphan_retries"] = "0\n",
  ["sys/net/ipv4/tcp_keepalive_time"] = "7200\n",
  ["sys/net/ipv4/tcp_keepalive_intvl"] = "75\n",
  ["sys/net/ipv4/tcp_keepalive_probes"] = "9\n",
  ["sys/net/ipv4/tcp_fin_timeout"] = "60\n",
  ["sys/net/ipv4/tcp_max_syn_backlog"] = "2048\n",
  ["sys/net/ipv4/tcp_max_tw_buckets"] = "131072\n",
  ["sys/net/ipv4/tcp_max_orphans"] = "131072\n",
  ["sys/net/ipv4/tcp_tw_reuse"] = "2\n",
  ["sys/net/ipv4/tcp_syncookies"] = "1\n",
  ["sys/net/ipv4/tcp_abort_on_overflow"] = "0\n",
  ["sys/net/ipv4/tcp_timestamps"] = "1\n",
  ["sys/net/ipv4/tcp_thin_linear_timeouts"] = "0\n",
  ["sys/net/ipv4/tcp_mem"] = "190000\t250000\t380000\n",
  ["sys/net/ipv4/tcp_rmem"] = "4096\t131072\t6291456\n",
  ["sys/net/ipv4/tcp_wmem"] = "4096\t16384\t4194304\n",
  ["sys/net/ipv4/udp_mem"] = "380000\t510000\t760000\n",
  ["sys/net/ipv4/ip_local_port_range"] = "32768\t60999\n",
  ["sys/net/ipv4/ip_local_reserved_ports"] = "\n",
  ["sys/net/core/somaxconn"] = "4096\n",
  ["sys/net/core/netdev_max_backlog"] = "1000\n",
  ["sys/net/core/rmem_default"] = "212992\n",
  ["sys/net/core/rmem_max"] = "212992\n",
  ["sys/net/core/wmem_default"] = "212992\n",
  ["sys/net/core/wmem_max"] = "212992\n",
  ["sys/net/netfilter/nf_conntrack_count"] = "120\n",
  ["sys/net/netfilter/nf_conntrack_max"] = "262144\n",
  ["sys/fs/file-nr"] = "2528\t0\t1048576\n",
  ["sys/fs/file-max"] = "1048576\n",
  ["sys/fs/nr_open"] = "1048576\n",
  ["net/snmp"] = proc_files.snmp(),
  ["net/netstat"] = proc_files.netstat(),
  ["net/snmp6"] = "Ip6InReceives                   \t4711\nUdp6RcvbufErrors                \t0\n",
  ["net/sockstat"] = "sockets: used 320\nTCP: inuse 12 orphan 0 tw 3 alloc 14 mem 5\nUDP: inuse 4 mem 2\n"
    .. "UDPLITE: inuse 0\nRAW: inuse 0\nFRAG: inuse 0 memory 0\n",
  ["net/sockstat6"] = "TCP6: inuse 5\nUDP6: inuse 1\nUDPLITE6: inuse 0\nRAW6: inuse 0\nFRAG6: inuse 0 memory 0\n",
  ["net/softnet_stat"] = "00000437 00000000 0000000a 00000000 00000000 00000000 00000000 00000000 00000000 00000000 "
    .. "00000000 00000000 00000000\nffffffff 00000002 00000001 00000000 00000000 00000000 00000000 00000000 00000000 "
    .. "00000000 00000000 00000000 00000001\n",
  uptime = "864000.55 1723811.07\n",
  loadavg = "0.52 0.41 0.37 1/523 91841\n",
}

--- All of them, with some changed or (false) left out.
---@param changes? table<string, string|table|false>
---@return table<string, string|table>
function proc_files.all(changes)
  local files = {}
  for path, text in pairs(FILES) do files[path] = text end
  for path, text in pairs(changes or {}) do files[path] = text or nil end
  return files
end

return proc_files
