--- sockq --netns over captured trees: each namespace once, its name, messages, recordings, diff.
--
--   luajit tests/cli/netns_test.lua --sockq PATH        from the root of the tree
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"
local rows = require "rows"

local run, refuses = program.run, program.refuses
local DIR = posix.tmpdir("sockq-netns")
check.at_end(posix.cleanup)

local function connection(lport, inode, more)
  local f = { lport = lport, raddr = "0200000A", rport = 443, state = 1, inode = inode }
  for key, value in pairs(more or {}) do f[key] = value end
  return rows.tcp(f)
end

local function tcp(...) return rows.file("tcp", { ... }) end
local function ns(inode) return { link = ("net:[%d]"):format(inode) } end

local WAITING = { state = 6, timer = 3, when = 900 }
local HOST = tcp(connection(1, 101), connection(9, 0, WAITING))
local WEB = tcp(connection(2, 102), connection(9, 0, WAITING))
local DATABASE = tcp(connection(3, 103), "nonsense", connection(4, 104))
-- 1 and 5 share a namespace that only net/ shows; 20, 7 and 21 another; 30 is alone.
local TREE = program.tree({
  ["net/tcp"] = HOST, ["net/udp"] = rows.file("udp", { rows.datagram { lport = 53, inode = 201 } }),
  ["5/ns/net"] = ns(10), ["1/ns/net"] = ns(10), ["1/cmdline"] = "/sbin/init\0splash\0",
  ["20/ns/net"] = ns(20), ["20/net/tcp"] = WEB, ["21/ns/net"] = ns(20), ["21/net/tcp"] = WEB,
  ["7/ns/net"] = ns(20), ["7/net/tcp"] = WEB, ["7/comm"] = "web\27[1m\n",
  ["30/ns/net"] = ns(30), ["30/net/tcp"] = DATABASE, ["30/cmdline"] = "postgres: writer\0",
  ["30/fd/4"] = { link = "socket:[103]" }, ["40/cmdline"] = "no namespace\0",
})

local function lines(text)
  local list = {}
  for line in text:gmatch("[^\n]+") do list[#list + 1] = line end
  table.sort(list)
  return table.concat(list, " ")
end

local function ports(words, status)
  local all = { "--proc", TREE, "--tsv", "--no-header", "-c", "netns_inode,local_port" }
  for _, word in ipairs(words) do all[#all + 1] = word end
  local got, out, err = run(all)
  check.equal(table.concat(words, " ") .. ": status", got, status or 0)
  return (lines(out):gsub("\t", ":")), err
end

local BAD = ("sockq: %s/30/net/tcp:3: the first column is no decimal number with a colon; skipped\n"):format(TREE)
do
  local got, err = ports({ "-t", "--netns", "all" }, 3)
  check.equal("each namespace once", got, "10:1 10:9 20:2 20:9 30:3 30:4")
  check.equal("which file has the bad line", err, BAD)
  check.equal("of one process", ports { "-t", "--netns", "21" }, "20:2 20:9")
  check.equal("of several", ports({ "-t", "--netns", "30,21", "--netns=20" }, 3), "20:2 20:9 30:3 30:4")
  check.equal("all and one", ports({ "-t", "--netns", "1", "--netns", "all" }, 3), "10:1 10:9 20:2 20:9 30:3 30:4")
  -- Only net/ has udp: it is missing elsewhere.
  check.equal("a table that one namespace lacks", ports { "--from", "udp", "--netns", "all" }, "10:53")
  local _, missing = ports({ "--from", "udp", "--netns", "30" }, 3)
  check.contains("a table that the namespace lacks", missing, "this kernel or capture has no such sockets")
  check.equal("without it nothing of them is read", ports { "-t" }, ":1 :9")
end
do
  local _, out = run { "--proc", TREE, "-t", "--netns", "all", "-g", "netns", "--tsv", "--no-header" }
  check.equal("names, escaped", out, "1/init\t2\n30/postgres: writer\t2\n7/web\\x1b[1m\t2\n")
  local _, counted = run { "--proc", TREE, "--netns", "20", "--csv", "-c", "netns,pid,local_port", ":2" }
  check.equal("a column", counted, "netns,pid,local_port\r\n7/web\\x1b[1m,,2\r\n")
  local _, owned = run { "--proc", TREE, "--netns", "30", "--csv", "-c", "netns,pid,local_port", ":3" }
  check.equal("owners of another namespace", owned, "netns,pid,local_port\r\n30/postgres: writer,30,3\r\n")
end
do
  -- The port 9 of a TIME_WAIT is in two namespaces.
  local function pairs_of(keys)
    local _, out = run { "--proc", TREE, "-t", "--netns", "all", "--join", "tcp:" .. keys, ":9", "-A", "count", "--csv" }
    return out
  end
  check.equal("a join over all namespaces", pairs_of("local_port"), "count\r\n4\r\n")
  check.equal("a join within each", pairs_of("netns,local_port"), "count\r\n2\r\n")
end
do
  -- a tree that says whose net/ is
  local whole = program.tree { ["net/tcp"] = HOST, ["self/ns/net"] = ns(20), ["7/ns/net"] = ns(20),
    ["7/net/tcp"] = HOST, ["7/comm"] = "web\n", ["30/ns/net"] = ns(30), ["30/comm"] = "dark\n" }
  local _, out = run { "--proc", whole, "-t", "--csv", "-c", "netns,netns_inode,local_port", "local_port == 1" }
  check.equal("the name of net/", out, "netns,netns_inode,local_port\r\n7/web,20,1\r\n")
  local bare = program.tree { ["net/tcp"] = HOST }
  local status, all = run { "--proc", bare, "-t", "--netns", "all", "--csv", "-c", "netns,netns_inode,local_port",
    "local_port == 1" }
  check.equal("a tree that tells no namespace", status .. all, "0netns,netns_inode,local_port\r\n,,1\r\n")
  -- No link leads out of the tree.
  local out_of = program.tree { ["net/tcp"] = HOST, ["self"] = { link = "/proc/self" }, ["9"] = { link = "/proc/self" } }
  _, all = run { "--proc", out_of, "-t", "--netns", "all", "--csv", "-c", "netns,netns_inode", "local_port == 1" }
  check.equal("links out of the tree", all, "netns,netns_inode\r\n,\r\n")
end

refuses("no such process", { "--proc", TREE, "--netns", "999" }, { status = 2,
  err = { "--netns 999: there is no such process" } })
refuses("an empty word", { "--proc", TREE, "--netns", "1,,2" }, { status = 2,
  err = { "--netns: a namespace is missing; give all" } })
refuses("a name in a captured tree", { "--proc", TREE, "--netns", "blue" }, { status = 2,
  err = { "--netns blue: a captured tree has no names of namespaces" } })
refuses("a path in a captured tree", { "--proc", TREE, "--netns", "30,/proc/1/ns/net" }, { status = 2,
  err = { "--netns /proc/1/ns/net: a captured tree has no names" } })
refuses("a report that reads settings", { "--proc", TREE, "--netns", "30", "doctor" }, { status = 2,
  err = { "--netns: settings and counters are read of one's own namespace alone" } })
refuses("no argument", { "--netns", "" }, { status = 2, err = { "--netns: its argument is empty" } })

-- Recordings keep the namespaces; the same socket in another namespace is another.
do
  local file = DIR .. "/all"
  run { "--proc", TREE, "--netns", "all", "record", file }
  local words = { "-t", "-c", "netns,netns_inode,local_port,line,pid", "--json" }
  local function answer(from)
    local all = {}
    for _, list in ipairs { from, words } do for _, word in ipairs(list) do all[#all + 1] = word end end
    local status, out, err = run(all)
    return status .. out, err
  end
  local live, live_err = answer { "--proc", TREE, "--netns", "all" }
  local replayed, err = answer { "--read", file }
  check.equal("--read gives the rows of --netns all", replayed, live)
  check.equal("and what was wrong", err, (live_err:gsub(TREE:gsub("%p", "%%%0"), file .. ": /proc")))
  refuses("--read and --netns", { "--read", file, "--netns", "all" }, { status = 2,
    err = { "--netns: --read names another place to read from" } })

  local moved = program.tree({ ["net/tcp"] = HOST, ["1/ns/net"] = ns(10),
    ["20/ns/net"] = ns(20), ["20/net/tcp"] = tcp(connection(2, 102)), ["30/ns/net"] = ns(30),
    ["30/net/tcp"] = tcp(connection(3, 103), connection(4, 104), connection(9, 0, WAITING)) })
  local status, out = run { "--proc", moved, "--netns", "all", "diff", file, "-f", "tsv", "--no-header",
    "-c", "change,local_port" }
  check.equal("a TIME_WAIT in another namespace is another", status .. lines(out):gsub("\t", " "),
    "3closed 9 opened 9")
end

do
  -- Whose net/ is, is not guessed where the first process has one; nor is there a namespace without it.
  for name, files in pairs {
    ["the first process has its own"] = { ["net/tcp"] = HOST, ["1/ns/net"] = ns(10), ["1/net/tcp"] = WEB,
      ["1/comm"] = "init\n", ["20/ns/net"] = ns(20), ["20/comm"] = "dark\n" },
    ["no net/ at all"] = { ["1/ns/net"] = ns(20), ["1/comm"] = "dark\n", ["20/ns/net"] = ns(10), ["20/net/tcp"] = WEB },
  } do
    local tree = program.tree(files)
    local status, out, err = run { "--proc", tree, "-t", "--netns", "all", "--tsv", "--no-header",
      "-c", "netns_inode,local_port" }
    check.equal(name .. ": its rows alone", status .. lines(out):gsub("\t", ":"), "310:2 10:9")
    check.contains(name .. ": the other is told", err, "dark: no process of it has a folder net/; capture it as well")
  end
  -- Two looks of a live view, over several namespaces.
  local quiet = program.tree { ["net/tcp"] = HOST, ["1/ns/net"] = ns(10), ["20/ns/net"] = ns(20), ["20/net/tcp"] = WEB }
  local status, out, err = run { "--proc", quiet, "-t", "--netns", "all", "--watch=0.1", "--times", "2", "--ndjson",
    "-c", "netns_inode,local_port", "local_port == 2" }
  check.equal("watched", status .. err, "0")
  check.contains("watched: its rows", out, "20")
end
refuses("a process whose namespace was not captured", { "--proc", TREE, "--netns", "40" }, { status = 2,
  err = { "--netns 40: the tree has no 40/ns/net; capture it as well" } })
refuses("two recordings and namespaces", { "--proc", TREE, "--netns", "30", "diff", "a", "b" }, { status = 2,
  err = { "--proc: B is a recording already; leave one out" } })
refuses("two recordings and live namespaces", { "--netns", "all", "diff", "a", "b" }, { status = 2,
  err = { "--netns: two recordings are compared, nothing is read; leave it out" } })

check.finish()
