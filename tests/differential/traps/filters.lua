--- Traps about what is listed: filters, families, sections.

local lines = require "lines"

local LISTENING = { l = "00000000:0050", st = "0A" }
local CONNECTED = { l = "0100007F:0051", r = "0200007F:C350", st = "01" }
local V6_CONNECTED = { l = "00000000000000000000000001000000:0052",
  r = "00000000000000000000000001000000:C350", st = "01" }

--- First header lines.
local function inet_head(word)
  return "Active Internet connections (" .. word .. ")"
end

local EVERYTHING = {
  ["net/tcp"] = lines.tcp { LISTENING, CONNECTED },
  ["net/tcp6"] = lines.tcp { V6_CONNECTED },
  ["net/udp"] = lines.udp { { l = "00000000:0035" } },
  ["net/udp6"] = lines.udp { { l = lines.ANY6:gsub("0000$", "0035") } },
  ["net/udplite"] = lines.udp { { l = "00000000:0036" } },
  ["net/raw"] = lines.udp { { l = "00000000:0001" } },
  ["net/unix"] = lines.unix { { flags = "00010000", path = "/run/a" }, { st = "03", inode = 20002 } },
}

local TCP4 = "tcp        0      0 127.0.0.1:81            127.0.0.2:50000         ESTABLISHED"
local TCP6 = "tcp6       0      0 ::1:82                  ::1:50000               ESTABLISHED"
local UNIX = "unix  2      [ ACC ]     STREAM     LISTENING     20001    /run/a"

return {
  { number = 1, title = "port, address or flag decide what is listening, not the state",
    files = {
      ["net/tcp"] = lines.tcp {
        { l = "0100007F:0001", r = "0200007F:0001", st = "0A" },
        { l = "0100007F:0002", r = "0200007F:0000", st = "01" },
        { l = "0100007F:0003", r = "00000000:0003", st = "01" },
      },
      ["net/udp"] = lines.udp {
        { l = "0100007F:0004", r = "00000000:0050", st = "01" },
        { l = "0100007F:0005", r = "0200007F:0000", st = "07" },
      },
      ["net/raw6"] = lines.udp {
        { l = lines.ANY6:gsub("0000$", "0006"), r = lines.ANY6 },
        { l = lines.ANY6:gsub("0000$", "0007"), r = "0000000000000000FFFF000000000000:0000" },
      },
      ["net/udplite"] = lines.udp {}, ["net/raw"] = lines.udp {},
      ["net/unix"] = lines.unix {
        { flags = "00010000", st = "01", inode = 30001 },
        { flags = "00010000", st = "03", inode = 30002 },
        { flags = "00000000", st = "01", inode = 30003 },
      },
    },
    runs = {
      { "-ln", status = 0, lines = {
        "tcp        0      0 127.0.0.1:2             127.0.0.2:*             ESTABLISHED",
        "udp        0      0 127.0.0.1:4             0.0.0.0:80              ESTABLISHED",
        "raw6       0      0 :::6                    :::*                    7          ",
        "unix  2      [ ACC ]     STREAM     LISTENING     30001    ",
      }, lacks = { "127.0.0.1:1 ", "127.0.0.1:3 ", "127.0.0.1:5 ", ":::7", "30002", "30003" } },
      { "-n", status = 0, lines = {
        "tcp        0      0 127.0.0.1:1             127.0.0.2:1             LISTEN     ",
        "tcp        0      0 127.0.0.1:3             0.0.0.0:3               ESTABLISHED",
        "udp        0      0 127.0.0.1:5             127.0.0.2:*                        ",
        "raw6       0      0 :::7                    0.0.0.0:*               7          ",
        "unix  2      [ ACC ]     STREAM     CONNECTED     30002    ",
        "unix  2      [ ]         STREAM                   30003    ",
      }, lacks = { "127.0.0.1:2 ", "127.0.0.1:4 ", ":::6", "30001" } },
      { "-an", status = 0 },
    } },

  { number = 2, title = "-a wins over -l, in the filter and in the header", files = EVERYTHING,
    runs = {
      { "-l -a -tn", lines = { inet_head "servers and established", TCP4 } },
      { "-alxn", lines = { "Active UNIX domain sockets (servers and established)", UNIX,
        "unix  2      [ ]         STREAM     CONNECTED     20002    " } },
      { "-ltn", lines = { inet_head "only servers" }, lacks = { "127.0.0.1:81" } },
      { "-tn", lines = { inet_head "w/o servers", TCP4 }, lacks = { "0.0.0.0:80" } },
    } },

  { number = 31, title = "a listening unix socket needs the flag and state 1",
    files = { ["net/unix"] = lines.unix {
      { flags = "00010000", st = "01", inode = 1001, path = "/a" },
      { flags = "00010000", st = "03", inode = 1002, path = "/b" },
      { flags = "00010000", st = "02", inode = 1003, path = "/c" },
      { flags = "00020000", st = "01", inode = 1004, path = "/d" },
      { flags = "00070000", st = "01", inode = 1005, path = "/e" },
      { flags = "00040000", st = "00", kind = "0002", inode = 1006, path = "/f" },
      { flags = "FFFFFFFF", st = "04", kind = "000A", inode = 1007, path = "/g" },
      { flags = "00080001", st = "09", kind = "0005", inode = 1008, path = "/h" },
    } },
    runs = {
      { "-xl", lines = {
        "unix  2      [ ACC ]     STREAM     LISTENING     1001     /a",
        "unix  2      [ ACC W N ] STREAM     LISTENING     1005     /e",
      }, lacks = { "/b", "/c", "/d", "/f", "/g", "/h" } },
      { "-x", lines = {
        "unix  2      [ ACC ]     STREAM     CONNECTED     1002     /b",
        "unix  2      [ ACC ]     STREAM     CONNECTING    1003     /c",
        "unix  2      [ W ]       STREAM                   1004     /d",
        "unix  2      [ N ]       DGRAM      FREE          1006     /f",
        "unix  2      [ ACC W N ] UNKNOWN    DISCONNECTING 1007     /g",
        "unix  2      [ ]         SEQPACKET  UNKNOWN       1008     /h",
      }, lacks = { "/a", "/e" } },
      { "-xa" },
    } },

  { number = 32, title = "unix rows have no user, timer or wide form", files = EVERYTHING,
    runs = {
      { "-xa", out = "Active UNIX domain sockets (servers and established)\n"
        .. "Proto RefCnt Flags       Type       State         I-Node   Path\n"
        .. UNIX .. "\nunix  2      [ ]         STREAM     CONNECTED     20002    \n" },
      { "-xaeoW", out = "Active UNIX domain sockets (servers and established)\n"
        .. "Proto RefCnt Flags       Type       State         I-Node   Path\n"
        .. UNIX .. "\nunix  2      [ ]         STREAM     CONNECTED     20002    \n" },
    } },

  { number = 33, title = "-4 -6 leaves unix out, one family leaves the other's files out",
    files = EVERYTHING,
    runs = {
      { "-46an", status = 0, lines = { TCP4, TCP6 }, lacks = { "UNIX", "unix" } },
      { "-6an", status = 0, lines = { TCP6 }, lacks = { "127.0.0.1", "unix" } },
      { "-4an", status = 0, lines = { TCP4 }, lacks = { "tcp6", "unix" } },
      { "-4xan", status = 0, lines = { TCP4, UNIX }, lacks = { "tcp6" } },
      { "-A inet,unix -an", status = 0, lines = { TCP4, UNIX }, lacks = { "tcp6" } },
      { "-xtan", status = 0, lines = { TCP4, TCP6, UNIX }, lacks = { "udp" } },
      { "-an", status = 0, lines = { TCP4, TCP6, UNIX,
        "udpl       0      0 0.0.0.0:54              0.0.0.0:*                          " } },
    } },

  { number = 34, title = "a missing tcp6 is silent, a missing tcp ends the listing after tcp6",
    files = { ["net/tcp"] = lines.tcp { CONNECTED }, ["net/udp"] = lines.udp {} },
    runs = {
      { "-tn", status = 0, lines = { TCP4 } },
      { "-6tn", status = 0 },
      { "-an", status = 0, lines = { TCP4 } },
    } },
  { number = 34, title = "a missing tcp: exit 1 where it was named",
    files = { ["net/tcp6"] = lines.tcp { V6_CONNECTED }, ["net/udp"] = lines.udp {
      { l = "0100007F:0001", r = "0200007F:0001", st = "01" } },
      ["net/unix"] = lines.unix { { st = "03" } } },
    runs = {
      { "-tuxn", status = 1, lines = { TCP6 }, lacks = { "udp", "unix" },
        err = "netstat: no support for `AF INET (tcp)' on this system.\n" },
      { "-4tn", status = 1, lacks = { "tcp6" }, err = "AF INET (tcp)" },
      { "-n", status = 0, lines = { TCP6 } },
      { "-vn", status = 0, lines = { TCP6 }, err = "AF INET (tcp)" },
      { "-4vn", status = 0 },
      { "-46n", status = 0, lines = { TCP6 } },
      { "-Un", status = 1, err = "AF INET (udplite)" },
      { "-wn", status = 1, err = "AF INET (raw)" },
      { "-van", status = 0, err = "AF IPX" },
    } },
  { number = 34, title = "a missing unix table", files = { ["net/tcp"] = lines.tcp {} },
    runs = {
      { "-x", status = 1, err = "netstat: no support for `AF UNIX' on this system.\n",
        out = "Active UNIX domain sockets (w/o servers)\n"
          .. "Proto RefCnt Flags       Type       State         I-Node   Path\n" },
      { "-4x", status = 0 },
      { "-tx", status = 1, err = "AF UNIX" },
    } },

  { number = 35, title = "-S without the sctp files ends the listing, exit 1", files = EVERYTHING,
    runs = {
      { "-tSun", status = 1, lines = { TCP4, TCP6 }, lacks = { "udp" },
        err = "netstat: no support for `AF INET (sctp)' on this system.\n" },
      { "-Sx", status = 1, lacks = { "UNIX" }, err = "AF INET (sctp)" },
      { "-van", status = 0, err = "netstat: no support for `AF INET (sctp)' on this system.\n"
        .. "netstat: no support for `AF INET (sctp)' on this system.\n" },
    } },
}
