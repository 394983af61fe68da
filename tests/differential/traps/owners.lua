--- Traps about the owner column and the paths of unix sockets.

local lines = require "lines"

local START = "tcp        0      0 127.0.0.1:8080          0.0.0.0:*               LISTEN      "

--- Listeners with these inodes, all else alike.
local function listeners(...)
  local rows = {}
  for i, inode in ipairs { ... } do rows[i] = { inode = inode } end
  return lines.tcp(rows)
end

return {
  { number = 25, title = "the owner is cut at 19 bytes, the pid's digits included",
    files = {
      ["net/tcp"] = listeners(30303, 30304, 30305, 30306),
      ["303/cmdline"] = "nginx: master process /usr/sbin/nginx\0",
      ["303/fd/0"] = { link = "socket:[30303]" },
      ["4194304/cmdline"] = "/bin/abcdefghijklmnop\0",
      ["4194304/fd/0"] = { link = "socket:[30304]" },
      ["5/cmdline"] = "/bin/seventeen-letter\0", ["5/fd/0"] = { link = "socket:[30305]" },
      ["6/cmdline"] = ("x"):rep(17) .. "yz\0", ["6/fd/0"] = { link = "socket:[30306]" },
    },
    runs = { { "-ltnp", lines = { START .. "303/nginx: master p ", START .. "4194304/abcdefghijk ",
      START .. "5/seventeen-letter  ", START .. "6/" .. ("x"):rep(17) .. " " } } } },

  { number = 26, title = "the name is argv[0]'s, after its last slash if it begins with one",
    files = {
      ["net/tcp"] = listeners(30301, 30302, 30303, 30304, 30305, 30306, 30307),
      ["1/cmdline"] = "/usr/bin/python3 /opt/x y\0", ["1/comm"] = "python3\n",
      ["1/fd/0"] = { link = "socket:[30301]" },
      ["2/cmdline"] = "./bin/prog\0-v\0", ["2/comm"] = "prog\n",
      ["2/fd/0"] = { link = "socket:[30302]" },
      ["3/cmdline"] = "/usr/bin/\0", ["3/comm"] = "bin\n",
      ["3/fd/0"] = { link = "socket:[30303]" },
      ["4/cmdline"] = "", ["4/comm"] = "kthread\n", ["4/fd/0"] = { link = "socket:[30304]" },
      ["5/comm"] = "no-cmdline\n", ["5/fd/0"] = { link = "socket:[30305]" },
      ["6/cmdline"] = "-bash\0", ["6/comm"] = "bash\n", ["6/fd/0"] = { link = "socket:[30306]" },
      ["7/cmdline"] = "/opt/" .. ("d/"):rep(300) .. "far\0", ["7/comm"] = "far\n",
      ["7/fd/0"] = { link = "socket:[30307]" },
    },
    runs = { { "-ltnp", lines = { START .. "1/x y               ", START .. "2/./bin/prog        ",
      START .. "3/                  ", START .. "4/                  ",
      START .. "-                   ", START .. "6/-bash             " },
      lacks = { "kthread", "no-cmdline", "far" } } } },

  { number = 27, title = "the first process in the order of the directory keeps a socket",
    files = {
      ["net/tcp"] = listeners(30301),
      ["101/cmdline"] = "same\0", ["101/fd/0"] = { link = "socket:[30301]" },
      ["102/cmdline"] = "same\0", ["102/fd/0"] = { link = "socket:[30301]" },
      ["103/cmdline"] = "same\0", ["103/fd/0"] = { link = "socket:[30301]" },
      ["104/fd/0"] = { link = "socket:[30301]" },
    },
    runs = { { "-ltnp", lacks = { "104", " - " } } } },

  { number = 28, title = "a one-digit inode is not matched, inode 0 has no owner",
    files = {
      ["net/tcp"] = listeners(5, 0, 12, 13, 14),
      ["1/cmdline"] = "one\0", ["1/fd/0"] = { link = "socket:[5]" },
      ["1/fd/1"] = { link = "socket:[0]" }, ["1/fd/2"] = { link = "socket:[12]" },
      ["1/fd/3"] = { link = "socket:[13]x" }, ["1/fd/4"] = { link = "Socket:[14]" },
    },
    runs = { { "-ltnpe", lines = {
      START .. "0          5          -                   ",
      START .. "0          0          -                   ",
      START .. "0          12         1/one               ",
      START .. "0          13         -                   ",
      START .. "0          14         -                   ",
    } } } },
  { number = 28, title = "the old form of the link is matched whatever its length",
    files = {
      ["net/tcp"] = listeners(5, 0, 12),
      ["1/cmdline"] = "one\0", ["1/fd/0"] = { link = "[0000]:5" },
      ["1/fd/1"] = { link = "[0000]:0" }, ["1/fd/2"] = { link = "[0001]:12" },
    },
    runs = { { "-ltnpe", lines = {
      START .. "0          5          1/one               ",
      START .. "0          0          1/one               ",
      START .. "0          12         -                   ",
    } } } },

  { number = 29, title = "a plain file in fd is no link",
    files = {
      ["net/tcp"] = listeners(30301, 30302),
      ["1/cmdline"] = "one\0", ["1/fd/0"] = "socket:[30301]",
      ["1/fd/1"] = { link = "socket:[30302]" },
    },
    runs = { { "-ltnp", lines = { START .. "-                   ",
      START .. "1/one               " } } } },

  { number = 30, title = "a unix path ends at its first blank, an empty one leaves a blank",
    files = { ["net/unix"] = lines.unix {
      { inode = 20001, path = "/tmp/with space" }, { inode = 20002, path = "@abs tract" },
      { inode = 20003 }, { inode = 20004, path = "" }, { inode = 20005, path = " lead" },
      { inode = 5, path = "/n" .. ("x"):rep(106) }, { inode = "18446744073709551615" },
    } },
    runs = {
      { "-xa", lines = {
        "unix  2      [ ]         STREAM                   20001    /tmp/with",
        "unix  2      [ ]         STREAM                   20002    @abs",
        "unix  2      [ ]         STREAM                   20003    ",
        "unix  2      [ ]         STREAM                   20004    ",
        "unix  2      [ ]         STREAM                   20005    lead",
        "unix  2      [ ]         STREAM                   5        /n" .. ("x"):rep(106),
        "unix  2      [ ]         STREAM                   18446744073709551615 ",
      } },
      { "-xap", lines = {
        "unix  2      [ ]         STREAM                   20001    -                    /tmp/with",
      } },
    } },
}
