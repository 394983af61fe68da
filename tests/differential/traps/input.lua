--- Traps about input that is not as it should be, and about the exit status.

local lines = require "lines"

local LISTENER = { l = "0100007F:0050" }
local CONNECTED = { l = "0100007F:0050", r = "0200007F:C350", st = "01" }
local TCP = "tcp        0      0 127.0.0.1:80            127.0.0.2:50000         ESTABLISHED"

--- A file without its first line.
local function headless(text)
  return (text:gsub("^[^\n]*\n", ""))
end

local ONE = { ["net/tcp"] = lines.tcp { LISTENER, CONNECTED } }

return {
  { number = 36, title = "the first line is dropped even if it is a row",
    files = {
      ["net/tcp"] = headless(lines.tcp { LISTENER, CONNECTED }),
      ["net/udp"] = headless(lines.udp { { l = "0100007F:0007" }, { l = "0100007F:0009" } }),
    },
    runs = {
      { "-tan", status = 0, lines = { TCP }, lacks = { "LISTEN" } },
      { "-uan", status = 0, lacks = { "127.0.0.1:7 " }, lines = {
        "udp        0      0 127.0.0.1:9             0.0.0.0:*                          " } },
    } },

  { number = 37, title = "bad rows warn, hidden or not, and do not change the exit status",
    files = {
      ["net/tcp"] = lines.tcp { CONNECTED, "garbage", LISTENER, "",
        "   3: 0100007G:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1",
        "  x4: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1",
        CONNECTED },
      ["net/udp"] = lines.udp { "   1: 0100007F:0050", { l = "0100007F:0009" } },
      ["net/raw"] = lines.udp { "   1: 0100007F:0050 ", { l = "0100007F:0009" } },
    },
    runs = {
      { "-tn", status = 0, lines = { TCP }, err = ("warning, got bogus tcp line.\n"):rep(4) },
      { "-tln", status = 0, err = ("warning, got bogus tcp line.\n"):rep(4) },
      { "-uan", status = 0, err = "warning, got bogus udp line.\n" },
      { "-wan", status = 0, err = "warning, got bogus raw line.\n" },
    } },
  { number = 37, title = "lines of the unix table that are no row",
    files = { ["net/unix"] = lines.unix { { path = "/tmp/a" }, "rest of a name", "",
      { inode = 20002, path = "/tmp/b" } } },
    runs = { { "-xa", status = 0, lines = {
      "unix  2      [ ]         STREAM                   20001    /tmp/a",
      "unix  2      [ ]         STREAM                   20002    /tmp/b",
    }, err = ("warning, got bogus unix line.\n"):rep(2) } } },

  { number = 38, title = "-T does not exist in 2.10", files = ONE,
    runs = {
      { "-T", status = 3, out = "", err = "netstat: invalid option -- 'T'\nusage: netstat " },
      { "-antT", status = 3, out = "", err = "netstat: invalid option -- 'T'\n" },
      { "--notrim", status = 3, out = "", err = "netstat: unrecognized option '--notrim'\n" },
    } },

  { number = 39, title = "exit status 3 for usage, 1 for an unknown family", files = ONE,
    runs = {
      { "-q", status = 3, out = "", err = "netstat: invalid option -- 'q'\nusage: netstat " },
      { "--ud", status = 3, out = "",
        err = "netstat: option '--ud' is ambiguous; possibilities: '--udp' '--udplite'\n" },
      { "-A", status = 3, out = "", err = "netstat: option requires an argument -- 'A'\n" },
      { "--tcp=1", status = 3, out = "",
        err = "netstat: option '--tcp' doesn't allow an argument\n" },
      { "-A foo", status = 1, out = "", err = "Unknown address family `foo'.\n" },
      { "-A inet,foo", status = 1, out = "", err = "Unknown address family `foo'.\n" },
      { args = { "-A", "inet, unix" }, status = 1, out = "",
        err = "Unknown address family ` unix'.\n" },
      { "-tn --tcpip", status = 0, lines = { TCP },
        err = "netstat.c: Internal Error `longopts 1 range'.\n" },
      { "-tn2", status = 1, lines = { TCP }, err = "feature `AF BLUETOOTH' not supported.\n" },
    } },
  { number = 39, title = "exit status 255 for a table that cannot be opened: not a directory",
    files = { ["net/tcp6"] = lines.tcp {}, ["net/udp/x"] = "", ["net/tcp"] = { link = "udp/x/y" } },
    runs = {
      { "-tn", status = 255, err = "/proc/net/tcp: Not a directory\n" },
      { "-4an", status = 255, err = "/proc/net/tcp: Not a directory\n" },
    } },
  { number = 39, title = "exit status 255 for a table that cannot be opened: loop of links",
    files = { ["net/tcp"] = lines.tcp { CONNECTED }, ["net/udp"] = { link = "udp" },
      ["net/tcp6"] = { link = "tcp6" }, ["net/unix"] = lines.unix {} },
    runs = {
      { "-tuxn", status = 255, lines = { TCP }, lacks = { "UNIX" },
        err = "/proc/net/udp: Too many levels of symbolic links\n" },
      { "-tn", status = 0, lines = { TCP } },
    } },

  { number = 41, title = "tcp states above 11 and short rows are undefined", undefined = true,
    files = { ["net/tcp"] = lines.tcp {
      { st = "0C" }, { st = "0D" }, { st = "0E" }, { st = "FF" }, { st = "7FFFFFFF" }, { st = "00" },
      "   6: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000",
      "   7: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0",
      "   8: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0",
    }, ["net/udp"] = lines.udp {
      "   6: 0100007F:0050 00000000:0000 07 00000000:00000000 00:00000000",
    }, ["net/raw"] = lines.udp {} },
    runs = { { "-tan" }, { "-tanpoe" }, { "-anoeW" } } },

  { number = 42, title = "the local address alone decides the family of a row",
    files = {
      ["net/tcp"] = lines.tcp { { l = ("0"):rep(24) .. "01000000:0016" } },
      ["net/tcp6"] = lines.tcp { CONNECTED },
    },
    runs = { { "-tan", lines = {
      "tcp        0      0 ::1:22                  :::*                    LISTEN     ",
      "tcp6       0      0 127.0.0.1:80            127.0.0.2:50000         ESTABLISHED",
    },
    -- no kernel prints such a row, so for sockq it is damaged
    sockq = { status = 0, lacks = { "127.0.0.1", "::1" },
      err = "warning, got bogus tcp line.\nwarning, got bogus tcp line.\n" } } } },
  { number = 42, title = "a remote address of another length is undefined", undefined = true,
    files = { ["net/tcp"] = lines.tcp {
      { l = ("0"):rep(24) .. "01000000:0016", r = "0100007F:0001" },
      { l = "0100007F:0016", r = ("0"):rep(24) .. "01000000:0001" },
    }, ["net/tcp6"] = lines.tcp { { l = ("0"):rep(64) .. ":0016" } } },
    runs = { { "-tan" }, { "-taW" }, { "-tanpoe" } } },
}
