--- Traps about the columns: widths, blanks, numbers, timers.

local lines = require "lines"

local HERE, THERE = "0100007F:0050", "0200007F:C350"

--- A connected row with some fields changed.
local function row(fields)
  fields.l = fields.l or HERE
  fields.r = fields.r or THERE
  fields.st = fields.st or "01"
  return fields
end

local TCP = "tcp        0      0 127.0.0.1:80            127.0.0.2:50000         ESTABLISHED"
local UDP = "udp        0      0 127.0.0.1:80            127.0.0.2:50000         ESTABLISHED"
local UDPL = "udpl       0      0 127.0.0.1:80            127.0.0.2:50000         ESTABLISHED"
local RAW = "raw        0      0 127.0.0.1:80            127.0.0.2:50000         1          "

--- Rows that differ in their timer columns: { "tr:when", retrnsmt, timeout }.
local function timers(list)
  local rows = {}
  for i, item in ipairs(list) do
    rows[i] = row { tm = item[1], rt = item[2], to = item[3] }
  end
  return rows
end

--- Lines that begin alike.
local function each(start, list)
  local result = {}
  for i, tail in ipairs(list) do result[i] = start .. tail end
  return result
end

local SIX = ("0"):rep(24) .. "01000000"

return {
  { number = 12, title = "a raw state is a decimal number in the state column",
    files = { ["net/raw"] = lines.udp { { l = "00000000:0001" }, { l = "00000000:0002", st = "0A" },
      { l = "00000000:0003", st = "01" }, { l = "00000000:0004", st = "FF" } } },
    runs = { { "-wan", lines = {
      "raw        0      0 0.0.0.0:1               0.0.0.0:*               7          ",
      "raw        0      0 0.0.0.0:2               0.0.0.0:*               10         ",
      "raw        0      0 0.0.0.0:3               0.0.0.0:*               1          ",
      "raw        0      0 0.0.0.0:4               0.0.0.0:*               255        ",
    } } } },

  { number = 13, title = "udp states: 01, 07, and UNKNOWN",
    files = { ["net/udp"] = lines.udp { { l = "00000000:0001", st = "01" },
      { l = "00000000:0002", st = "07" }, { l = "00000000:0003", st = "0A" },
      { l = "00000000:0004", st = "00" }, { l = "00000000:0005", st = "06" } } },
    runs = { { "-uan", lines = {
      "udp        0      0 0.0.0.0:1               0.0.0.0:*               ESTABLISHED",
      "udp        0      0 0.0.0.0:2               0.0.0.0:*                          ",
      "udp        0      0 0.0.0.0:3               0.0.0.0:*               UNKNOWN    ",
      "udp        0      0 0.0.0.0:4               0.0.0.0:*               UNKNOWN    ",
      "udp        0      0 0.0.0.0:5               0.0.0.0:*               UNKNOWN    ",
    } } } },

  { number = 14, title = "names of four and of five bytes in the protocol column",
    files = {
      ["net/tcp"] = lines.tcp { row {} }, ["net/tcp6"] = lines.tcp { { l = SIX .. ":0001" } },
      ["net/udp"] = lines.udp { row {} }, ["net/udp6"] = lines.udp { { l = SIX .. ":0001" } },
      ["net/udplite"] = lines.udp { row {} },
      ["net/udplite6"] = lines.udp { { l = SIX .. ":0001" } },
      ["net/raw"] = lines.udp { row {} }, ["net/raw6"] = lines.udp { { l = SIX .. ":0001" } },
    },
    runs = { { "-46an", lines = { TCP, UDP, UDPL, RAW,
      "tcp6       0      0 ::1:1                   :::*                    LISTEN     ",
      "udp6       0      0 ::1:1                   :::*                               ",
      "udpl6      0      0 ::1:1                   :::*                               ",
      "raw6       0      0 ::1:1                   :::*                    7          ",
    } } } },

  { number = 15, title = "the file has the send queue first, the output the receive queue",
    files = { ["net/tcp"] = lines.tcp { row { q = "00000005:00000080" } },
      ["net/udp"] = lines.udp { row { q = "00000006:00000081" } } },
    runs = { { "-tun", lines = {
      "tcp      128      5 127.0.0.1:80            127.0.0.2:50000         ESTABLISHED",
      "udp      129      6 127.0.0.1:80            127.0.0.2:50000         ESTABLISHED",
    } } } },

  { number = 16, title = "queues over six digits push their row, not the header",
    files = { ["net/tcp"] = lines.tcp { row { q = "FFFFFFFF:000F4240" },
      row { q = "000F423F:80000000" } } },
    runs = { { "-tn", lines = {
      "Proto Recv-Q Send-Q Local Address           Foreign Address         State      ",
      "tcp   1000000 4294967295 127.0.0.1:80            127.0.0.2:50000         ESTABLISHED",
      "tcp   2147483648 999999 127.0.0.1:80            127.0.0.2:50000         ESTABLISHED",
    } } } },

  { number = 17, title = "trailing blanks of headers and rows are output",
    files = { ["net/tcp"] = lines.tcp { row {} }, ["net/unix"] = lines.unix { { st = "03" } } },
    runs = {
      { "-txn", out = "Active Internet connections (w/o servers)\n"
        .. "Proto Recv-Q Send-Q Local Address           Foreign Address         State      \n"
        .. TCP .. "\nActive UNIX domain sockets (w/o servers)\n"
        .. "Proto RefCnt Flags       Type       State         I-Node   Path\n"
        .. "unix  2      [ ]         STREAM     CONNECTED     20001    \n" },
      { "-tne", out = "Active Internet connections (w/o servers)\n"
        .. "Proto Recv-Q Send-Q Local Address           Foreign Address         State      "
        .. " User       Inode     \n" .. TCP .. " 0          1000      \n" },
      { "-tnp", out = "Active Internet connections (w/o servers)\n"
        .. "Proto Recv-Q Send-Q Local Address           Foreign Address         State      "
        .. " PID/Program name    \n" .. TCP .. " -                   \n" },
      { "-tneop", out = "Active Internet connections (w/o servers)\n"
        .. "Proto Recv-Q Send-Q Local Address           Foreign Address         State      "
        .. " User       Inode      PID/Program name     Timer\n"
        .. TCP .. " 0          1000       -                    off (0.00/0/0)\n" },
      { "-xp", out = "Active UNIX domain sockets (w/o servers)\n"
        .. "Proto RefCnt Flags       Type       State         I-Node   PID/Program name     Path\n"
        .. "unix  2      [ ]         STREAM     CONNECTED     20001    -                    \n" },
    } },

  { number = 18, title = "a long user name is not cut and the inode follows at once",
    etc = { hosts = "127.0.0.1 here\n127.0.0.2 there\n", services = "web 80/tcp\n",
      passwd = "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n"
        .. "systemd-network:x:998:998::/:/bin/sh\nagain:x:998:998::/:/bin/sh\n"
        .. "ten-bytes-:x:999:999::/:/bin/sh\n" },
    files = { ["net/tcp"] = lines.tcp { row { uid = 998, inode = 12345 },
      row { uid = 999, inode = 12345678901 }, row { uid = 997 } } },
    runs = {
      { "-te", lines = {
        "tcp        0      0 here:web                there:50000             ESTABLISHED"
          .. " systemd-network 12345     ",
        "tcp        0      0 here:web                there:50000             ESTABLISHED"
          .. " ten-bytes- 12345678901",
        "tcp        0      0 here:web                there:50000             ESTABLISHED"
          .. " 997        1000      ",
      } },
      { "-te --numeric-hosts --numeric-ports",
        lines = { TCP .. " systemd-network 12345     " } },
      { "-tne", lines = { TCP .. " 998        12345     " } },
      { "-te --numeric-users" },
    } },

  { number = 19, title = "uid is printed as a signed number",
    files = { ["net/tcp"] = lines.tcp { row { uid = "4294967294" }, row { uid = "4294967295" },
      row { uid = "2147483648" }, row { uid = "2147483647" } } },
    runs = {
      { "-tne", lines = each(TCP, { " -2         1000      ", " -1         1000      ",
        " -2147483648 1000      ", " 2147483647 1000      " }) },
      { "-te --numeric-hosts --numeric-ports" },
    } },

  { number = 20, title = "retrnsmt is hexadecimal in the file, decimal here; udp shows 0",
    files = { ["net/tcp"] = lines.tcp(timers { { "01:00000064", "0000000F", "3" },
      { "01:00000064", "FFFFFFFF", "255" } }),
      ["net/udp"] = lines.udp(timers { { "01:00000064", "0000000F", "3" } }),
      ["net/udplite"] = lines.udp(timers { { "01:00000064", "0000000F", "4" } }),
      ["net/raw"] = lines.udp(timers { { "01:00000064", "0000000F", "5" } }) },
    runs = { { "-tuUwno", lines = { TCP .. " on (1.00/15/3)", TCP .. " on (1.00/4294967295/255)",
      UDP .. " on1 (1.00/0/3)", UDPL .. " on1 (1.00/0/4)", RAW .. " on1 (1.00/15/5)" } } } },

  { number = 21, title = "an idle timer shows 0.00 whatever its ticks, and the other two numbers",
    files = { ["net/tcp"] = lines.tcp(timers { { "00:00000169", "00000002", "3" } }),
      ["net/udp"] = lines.udp(timers { { "00:00000169", "00000002", "3" } }) },
    runs = { { "-tuno", lines = { TCP .. " off (0.00/2/3)", UDP .. " off (0.00/0/3)" } } } },

  { number = 22, title = "udp and raw timers have other names",
    files = { ["net/tcp"] = lines.tcp(timers { { "01:00000001" }, { "02:00000001" },
      { "03:00000001" }, { "04:00000001" } }),
      ["net/udp"] = lines.udp(timers { { "01:00000001" }, { "02:00000001" }, { "03:00000001" },
        { "04:00000001" } }),
      ["net/raw"] = lines.udp(timers { { "01:00000001" }, { "02:00000001" }, { "03:00000001" },
        { "04:00000001" } }) },
    runs = {
      { "-tno", lines = each(TCP, { " on (0.01/0/0)", " keepalive (0.01/0/0)",
        " timewait (0.01/0/0)", " probe (0.01/0/0)" }) },
      { "-uno", lines = each(UDP, { " on1 (0.01/0/0)", " on2 (0.01/0/0)", " unkn-3 (0.01/0/0)",
        " unkn-4 (0.01/0/0)" }) },
      { "-wno", lines = each(RAW, { " on1 (0.01/0/0)", " on2 (0.01/0/0)", " unkn-3 (0.01/0/0)",
        " unkn-4 (0.01/0/0)" }) },
    } },

  { number = 23, title = "an unknown timer code is decimal",
    files = { ["net/tcp"] = lines.tcp(timers { { "05:00000001" }, { "09:00000001" },
      { "0A:00000001" }, { "FF:00000001" } }) },
    runs = { { "-tno", lines = each(TCP, { " unkn-5 (0.01/0/0)", " unkn-9 (0.01/0/0)",
      " unkn-10 (0.01/0/0)", " unkn-255 (0.01/0/0)" }) } } },

  { number = 24, title = "ticks are 64 bits, seconds have two decimals",
    files = { ["net/tcp"] = lines.tcp(timers { { "01:00000169" }, { "01:7FFFFFFF" },
      { "01:FFFFFFFF" }, { "01:1AD7F29ABCA" }, { "01:FFFFFFFFFFFFFFFF" },
      { "01:20000000000001" } }) },
    runs = { { "-tno", lines = each(TCP, { " on (3.61/0/0)", " on (21474836.47/0/0)",
      " on (42949672.95/0/0)", " on (18446744073.70/0/0)", " on (184467440737095520.00/0/0)",
      " on (90071992547409.92/0/0)" }) } } },

  { number = 40, title = "sctp's extra columns follow its last address",
    files = {
      ["net/sctp/eps"] = lines.sctp_eps {
        "ffff8800 ffff8801 2   10  29   2905      0 31001 10.0.0.1 "
          .. "2001:0db8:0000:0000:0000:0000:0000:0001 ",
        "ffff8800 ffff8801 2   10  29   80       33 31002 ",
      },
      ["net/sctp/assocs"] = lines.sctp_assocs {
        "ffff8800 ffff8801 2   1   3  0       5       17      128       0 31003 2905  36412  "
          .. "*10.0.0.1 10.0.0.2 <-> *10.0.0.3 \t    7500     2     2   10    0    0        0",
      },
      ["7/cmdline"] = "/usr/sbin/m3ua\0", ["7/fd/3"] = { link = "socket:[31001]" },
    },
    runs = {
      { "-Sanpoe", lines = {
        "sctp                10.0.0.1:2905                                   LISTEN     ",
        "                    2001:db8::1:2905                                           "
          .. " 0          31001      7/m3ua               ",
        " 33         31002      -                    ",
        "sctp     128     17 10.0.0.1:2905           10.0.0.3:36412          ESTABLISHED",
        "                    10.0.0.2                                                    0"
          .. "          31003      -                    ",
      } },
      { "-Sn" }, { "-Sln" }, { "-San" }, { "-SaW" }, { "-Sa --numeric-users" },
    } },
}
