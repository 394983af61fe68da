--- Traps about addresses and ports.

local lines = require "lines"

--- A v6 listener on an address in file form.
local function six(hex, port)
  return { l = hex .. ":" .. (port or "0016") }
end

local SERVICES = "one\t1001/tcp\none-udp 1001/udp aliased\nfirst 1002/tcp\nsecond 1002/tcp\n"
  .. "a-service-name-of-32-characters-x 1003/tcp\neighteenchars-xxxx 1004/tcp\n"
  .. "nineteen-characters 1005/tcp\nofficial 1006/tcp alias\nonly-udp 1007/udp\n"
  .. "sctp-name 1001/sctp\nraw-name 200/raw\n"

local PROTOCOLS = "ip 0 IP\nicmp 1 ICMP\ntcp 6 TCP\nudp 17 UDP\nipv6-icmp 58 IPv6-ICMP\n"

local HOSTS = "127.0.0.1 localhost\n10.0.0.1 alpha.example.test alpha\n"
  .. "10.0.0.2 averylonghostname.example.test\n2001:db8::1 six.example.test\n"

return {
  { number = 3, title = "an unspecified address never becomes a star, only port 0 does",
    files = { ["net/tcp"] = lines.tcp { { l = lines.ANY4 }, { l = "00000000:0050" } },
      ["net/tcp6"] = lines.tcp { { l = lines.ANY6 }, six(("0"):rep(32), "0050") } },
    runs = {
      { "-tan", lines = {
        "tcp        0      0 0.0.0.0:*               0.0.0.0:*               LISTEN     ",
        "tcp        0      0 0.0.0.0:80              0.0.0.0:*               LISTEN     ",
        "tcp6       0      0 :::*                    :::*                    LISTEN     ",
        "tcp6       0      0 :::80                   :::*                    LISTEN     ",
      } },
      { "-ta" },
    } },

  { number = 4, title = "[::] when hosts have names, :: when they are numeric",
    etc = { hosts = HOSTS, services = SERVICES },
    files = { ["net/tcp"] = lines.tcp {}, ["net/tcp6"] = lines.tcp { six(("0"):rep(32), "03E9") } },
    runs = {
      { "-ta", lines = {
        "tcp6       0      0 [::]:one                [::]:*                  LISTEN     " } },
      { "-ta --numeric-ports", lines = {
        "tcp6       0      0 [::]:1001               [::]:*                  LISTEN     " } },
      { "-ta --numeric-hosts", lines = {
        "tcp6       0      0 :::one                  :::*                    LISTEN     " } },
      { "-tan", lines = {
        "tcp6       0      0 :::1001                 :::*                    LISTEN     " } },
    } },

  { number = 5, title = "a v4-mapped address loses its prefix, a v4-compatible one does not",
    files = { ["net/tcp"] = lines.tcp {}, ["net/tcp6"] = lines.tcp {
      six "0000000000000000FFFF000004030201", six "00000000000000000000000004030201",
      six "0000000000000000FEFF000004030201", six "0000000000000000FFFF000000000000",
      six "9BFF6400000000000000000004030201",
    } },
    runs = { { "-tanW", lines = {
      "tcp6       0      0 1.2.3.4:22              :::*                    LISTEN     ",
      "tcp6       0      0 ::1.2.3.4:22            :::*                    LISTEN     ",
      "tcp6       0      0 ::fffe:102:304:22       :::*                    LISTEN     ",
      "tcp6       0      0 0.0.0.0:22              :::*                    LISTEN     ",
      "tcp6       0      0 64:ff9b::102:304:22     :::*                    LISTEN     ",
    } } } },

  { number = 6, title = "v6 text: dotted tails, single zero groups, first longest run",
    files = { ["net/tcp"] = lines.tcp {}, ["net/tcp6"] = lines.tcp {
      six "0000000000000000000000000100007F", six "00000000000000000000000002000100",
      six "00000000000000000000000002000000", six "B80D0120010000000100010001000100",
      six "B80D0120000000000000010001000000", six "B80D0120000000000000010001000100",
      six "000000000000000000000000FFFF0000", six "00000000000000000000010001000000",
      six "0100000001000000010000000100ABCD", six "000080FE00000000000000000000EFBE",
    } },
    runs = {
      { "-tanW", lines = {
        "tcp6       0      0 ::127.0.0.1:22          :::*                    LISTEN     ",
        "tcp6       0      0 ::0.1.0.2:22            :::*                    LISTEN     ",
        "tcp6       0      0 ::2:22                  :::*                    LISTEN     ",
        "tcp6       0      0 2001:db8:0:1:1:1:1:1:22 :::*                    LISTEN     ",
        "tcp6       0      0 2001:db8::1:0:0:1:22    :::*                    LISTEN     ",
        "tcp6       0      0 2001:db8::1:0:1:1:22    :::*                    LISTEN     ",
      } },
      { "-tan" },
    } },

  { number = 7, title = "too long: the host is cut, the port survives",
    files = { ["net/tcp"] = lines.tcp {}, ["net/tcp6"] = lines.tcp {
      { l = "B80D0120BBBBAAAADDDDCCCCFFFFEEEE:FFFF",
        r = "B80D0120BBBBAAAADDDDCCCCFFFFEEEE:0001", st = "01" },
      { l = "00000000000000000000000001000000:FFFF",
        r = "000080FE0000000022221111B3330300:15B3", st = "01" },
    } },
    runs = {
      { "-tn", lines = {
        "tcp6       0      0 2001:db8:aaaa:bbb:65535 2001:db8:aaaa:bbbb:cc:1 ESTABLISHED",
      } },
      { "-tnW", lines = { "tcp6       0      0 2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff:65535 "
        .. "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff:1 ESTABLISHED" } },
    } },

  { number = 8, title = "host and port fit if they have 22 bytes without the colon",
    files = { ["net/tcp"] = lines.tcp {}, ["net/tcp6"] = lines.tcp {
      six("B80D0120000000003412000001007856", "0001"),
      six("B80D0120000000003412000001007856", "000A"),
      six("B80D0120000000000000000067053412", "270F"),
      six("B80D0120000000000000000067053412", "FFFF"),
    } },
    runs = {
      { "-tan", lines = {
        "tcp6       0      0 2001:db8::1234:5678:1:1 :::*                    LISTEN     ",
        "tcp6       0      0 2001:db8::1234:5678::10 :::*                    LISTEN     ",
        "tcp6       0      0 2001:db8::1234:567:9999 :::*                    LISTEN     ",
        "tcp6       0      0 2001:db8::1234:56:65535 :::*                    LISTEN     ",
      } },
      { "-tanW", lines = {
        "tcp6       0      0 2001:db8::1234:5678:1:10 :::*                    LISTEN     ",
        "tcp6       0      0 2001:db8::1234:567:65535 :::*                    LISTEN     ",
      } },
    } },

  { number = 9, title = "a long service name keeps 18 bytes and leaves 4 for the host",
    etc = { hosts = HOSTS, services = SERVICES },
    files = { ["net/tcp"] = lines.tcp {
      { l = "0100000A:03EB", r = "0200000A:03EC", st = "01" },
      { l = "0300000A:03ED", r = "0100000A:EA60", st = "01" },
    }, ["net/tcp6"] = lines.tcp {
      { l = "B80D0120000000000000000001000000:03EB",
        r = "B80D0120000000000000000002000000:03EC", st = "01" },
    } },
    runs = {
      { "-t", lines = {
        "tcp        0      0 alph:a-service-name-of- aver:eighteenchars-xxxx ESTABLISHED",
        "tcp        0      0 10.0:nineteen-character alpha.example.tes:60000 ESTABLISHED",
        "tcp6       0      0 six.:a-service-name-of- 2001:eighteenchars-xxxx ESTABLISHED",
      } },
      { "-tW", lines = { "tcp        0      0 alpha.example.test:a-service-name-of-32-characters-x "
        .. "averylonghostname.example.test:eighteenchars-xxxx ESTABLISHED" } },
      { "-t --numeric-ports" },
      { "-t --numeric-hosts" },
    } },

  { number = 10, title = "a port that stands twice in services has its last name",
    etc = { hosts = HOSTS, services = SERVICES },
    files = { ["net/tcp"] = lines.tcp { { l = "0100007F:03EA" }, { l = "0100007F:03EE" },
      { l = "0100007F:03EF" } } },
    runs = { { "-ta", lines = {
      "tcp        0      0 localhost:second        0.0.0.0:*               LISTEN     ",
      "tcp        0      0 localhost:official      0.0.0.0:*               LISTEN     ",
      "tcp        0      0 localhost:1007          0.0.0.0:*               LISTEN     ",
    } } } },

  { number = 11, title = "udplite has udp's names, raw those of protocols, sctp none",
    etc = { hosts = HOSTS, services = SERVICES, protocols = PROTOCOLS },
    files = {
      ["net/udp"] = lines.udp { { l = "0100007F:03E9" } },
      ["net/udplite"] = lines.udp { { l = "0100007F:03E9" }, { l = "0100007F:03EA" } },
      ["net/raw"] = lines.udp { { l = "00000000:0001" }, { l = "00000000:00C8" },
        { l = "00000000:0059" }, { l = "00000000:0011" } },
      ["net/raw6"] = lines.udp { six(("0"):rep(32), "003A") },
      ["net/sctp/eps"] = lines.sctp_eps {
        "ffff8800 ffff8801 2   10  29   1001      0 31001 127.0.0.1 " },
      ["net/sctp/assocs"] = lines.sctp_assocs {},
    },
    runs = { { "-uUwSa", lines = {
      "udp        0      0 localhost:one-udp       0.0.0.0:*                          ",
      "udpl       0      0 localhost:one-udp       0.0.0.0:*                          ",
      "udpl       0      0 localhost:1002          0.0.0.0:*                          ",
      "raw        0      0 0.0.0.0:icmp            0.0.0.0:*               7          ",
      "raw        0      0 0.0.0.0:raw-name        0.0.0.0:*               7          ",
      "raw        0      0 0.0.0.0:89              0.0.0.0:*               7          ",
      "raw6       0      0 [::]:ipv6-icmp          [::]:*                  7          ",
      "sctp                localhost:1001                                  LISTEN     ",
    } } } },
}
