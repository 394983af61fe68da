--- Processes of a captured tree that are wrong: numbers 106 to 122.

local bad = require "bad"

local case, posix, program, row = bad.case, bad.posix, bad.program, bad.row
local null = bad.json.null

local PID_NO_FOLDER = "the entry of a process is no folder; capture it with its links as links"
local FD_NO_LINK = "the entry of a descriptor is no symbolic link; capture it with its links as links"
local NO_NUMBER = "a descriptor leads to a socket whose inode is no 64-bit number; capture it with its links as links"
local CGROUP_FORM = "cgroup of a process has a line that is not ID:CONTROLLERS:PATH; capture it as /proc has it"

--- A tree with the two good rows: 90001 is of process 7, descriptor 3; 90002 of nobody.
local function tree_with(files)
  files["net/tcp"] = files["net/tcp"] or bad.text("tcp", {})
  files["7/cmdline"] = files["7/cmdline"] or "/usr/sbin/good\0-x\0"
  files["7/fd/3"] = { link = "socket:[90001]" }
  return program.tree(files)
end

--- Both good rows with these owners ("PID/FD ..." or ""), and what is told of the tree.
---@param told? string[]
---@param more? string[]  messages of the process folders, whole
local function owners_are(name, tree, first, second, told)
  local list, status, err = bad.ndjson(tree, "tcp")
  local function owners(i)
    local words = {}
    for k, owner in ipairs(list[i] and list[i].owners or {}) do words[k] = ("%d/%d"):format(owner.pid, owner.fd) end
    return table.concat(words, " ")
  end
  bad.equal(name .. ": rows", bad.inodes(list), "90001 90002")
  bad.equal(name .. ": owners of the first", owners(1), first)
  bad.equal(name .. ": owners of the second", owners(2), second)
  local want = {}
  for i, words in ipairs(told or {}) do want[i] = ("sockq: %s: %s\n"):format(tree, words) end
  bad.equal(name .. ": what is told", err, table.concat(want))
  bad.equal(name .. ": status", status, #want > 0 and 3 or 0)
  local netstat_status, out, netstat_err = bad.over(tree, { "netstat", "-tanp" })
  bad.equal(name .. ": netstat", netstat_status .. #program.lines(out) .. netstat_err, "04")
  local pid = first:match("^%d+")
  bad.ok(name .. ": netstat's owner", not pid or out:find(" " .. pid .. "/", 1, true), out)
  return list, out
end

case(106, "folders that are no process", function()
  local files = {}
  for _, pid in ipairs { "0", "007", "-1", "12a", "99999999999", "4294967297", "+5", "1.5", "0x7", " 7", "2147483648" } do
    files[pid .. "/fd/3"] = { link = "socket:[90002]" }
    files[pid .. "/cmdline"] = "wrong\0"
  end
  owners_are("none of them", tree_with(files), "7/3", "")
  owners_are("the largest there can be", tree_with { ["2147483647/fd/3"] = { link = "socket:[90002]" } }, "7/3",
    "2147483647/3")
end)

case(107, "a file or a link in place of a process", function()
  owners_are("a file", tree_with { ["8"] = "x" }, "7/3", "", { PID_NO_FOLDER })
  owners_are("several, told once", tree_with { ["8"] = "x", ["9"] = "", ["10"] = { link = "7" } }, "7/3", "",
    { PID_NO_FOLDER })
  owners_are("a link to a process", tree_with { ["8"] = { link = "7" } }, "7/3", "", { PID_NO_FOLDER })
  owners_are("a FIFO", tree_with { ["8"] = { fifo = true } }, "7/3", "", { PID_NO_FOLDER })
end)

case(108, "files in place of the links to descriptors", function()
  owners_are("several, told once", tree_with { ["7/fd/4"] = "", ["8/fd/0"] = "text", ["8/fd/1"] = { folder = true },
    ["8/fd/2"] = { link = "socket:[90002]" } }, "7/3", "8/2", { FD_NO_LINK })
end)

case(109, "links that only look like those to sockets", function()
  local files = {}
  for i, text in ipairs { "socket:[90002", "socket:[]", "socket:[-5]", "socket:[90002]x", "socket:[0x15F92]",
    "Socket:[90002]", "socket:[ 90002]", "socket:[+90002]", "socket:90002", "socket:[90002] (deleted)", "/socket:[90002]",
    "socket:[90002]\n", "[0001]:90002", "pipe:[90002]", "anon_inode:[90002]", "socket:[90002]]", "socket:[9e4]" } do
    files["8/fd/" .. i] = { link = text }
  end
  owners_are("none of them", tree_with(files), "7/3", "")
end)

case(110, "a link to the inode 0", function()
  local files = { ["net/tcp"] = bad.text("tcp", row { inode = "0" }), ["8/fd/3"] = { link = "socket:[0]" },
    ["8/cmdline"] = "zero\0", ["8/fd/4"] = { link = "socket:[00]" } }
  local tree = tree_with(files)
  local list, status, err = bad.ndjson(tree, "tcp")
  bad.equal("the row without inode", list[2].inode, null)
  bad.equal("has no owner", #list[2].owners .. " " .. status .. err, "0 0")
  local _, out = bad.over(tree, { "netstat", "-tanp" })
  bad.ok("netstat", not out:find("8/", 1, true), out)
end)

case(111, "a link to an inode beyond 64 bits", function()
  owners_are("told once", tree_with { ["8/fd/3"] = { link = "socket:[18446744073709551616]" },
    ["8/fd/4"] = { link = "socket:[" .. ("9"):rep(30) .. "]" }, ["9/fd/4"] = { link = "socket:[18446744073709641618]" } },
    "7/3", "", { NO_NUMBER })
  owners_are("the largest there is", tree_with { ["8/fd/3"] = { link = "socket:[18446744073709551615]" } }, "7/3", "")
end)

case(112, "links of 4096 bytes, with control bytes", function()
  local files = { ["8/fd/2"] = { link = ("x"):rep(4095) }, ["8/fd/4"] = { link = "a\27[31m\nb" },
    ["8/fd/5"] = { link = "socket:[" .. ("0"):rep(50) .. "90002]" },
    ["8/fd/6"] = { link = "socket:[" .. ("0"):rep(4000) .. "90002]" }, ["8/fd/7"] = { link = "socket:[90002]" },
    ["8/exe"] = { link = "/opt/\27[2Jevil\nname" }, ["8/cmdline"] = "p\0" }
  local list = owners_are("one of them", tree_with(files), "7/3", "8/7")
  bad.equal("the program file's bytes", list[2].exe, "/opt/\27[2Jevil\nname")
  -- A text that fills what is read of it may go on.
  files["8/fd/7"] = nil
  owners_are("none of them", tree_with(files), "7/3", "")
  local _, out = bad.over(tree_with { ["8/exe"] = { link = ("/x"):rep(2047) }, ["8/fd/1"] = { link = "socket:[90002]" },
    ["8/cmdline"] = "p\0" }, { "-e", "for s in sockq.tcp():where('exe'):rows() do print(#s.exe) end" })
  bad.equal("a long program file", out, "4094\n")
end)

case(113, "descriptors that are none", function()
  local files = {}
  for _, fd in ipairs { "x", "-1", "00", "4294967296", "03", "+1", "1a", "2147483648", "99999999999999999999" } do
    files["8/fd/" .. fd] = { link = "socket:[90002]" }
  end
  owners_are("none of them", tree_with(files), "7/3", "")
  owners_are("the largest there can be", tree_with { ["8/fd/2147483647"] = { link = "socket:[90002]" } }, "7/3",
    "8/2147483647")
end)

--- Many links at once, which one process each would make slow: of descriptor i of a folder to text(i).
local function link_many(folder, first, last, text)
  posix.mkdirs(folder)
  for i = first, last do posix.symlink(text(i), folder .. "/" .. i) end
end

case(114, "5,000 descriptors on one inode, and very many links", function() bad.in_memory(function()
  local tree = tree_with {}
  for process = 1, 10 do
    link_many(("%s/%d/fd"):format(tree, 100 + process), 1, 500, function() return "socket:[90002]" end)
    posix.write_file(("%s/%d/cmdline"):format(tree, 100 + process), ("p%d\0"):format(process))
  end
  local list, status, err = bad.ndjson(tree, "tcp")
  bad.equal("all owners are kept", #list[2].owners, 5000)
  bad.equal("processes", list[2].nprocs .. " " .. status .. err, "10 0")
  local seen = {}
  for _, owner in ipairs(list[2].owners) do seen[owner.pid * 1000 + owner.fd] = true end
  local count = 0
  for _ in pairs(seen) do count = count + 1 end
  bad.equal("each once", count, 5000)
  -- Twice the links, no more than some four times the time. SOCKQ_BAD_LINKS=1000000: as many as that.
  local many = tonumber(os.getenv("SOCKQ_BAD_LINKS")) or 40000
  local function time_of(links)
    local big, per = tree_with {}, 2000
    for process = 0, links / per - 1 do
      link_many(("%s/%d/fd"):format(big, 1000 + process), 1, per, function(i)
        return ("socket:[%d]"):format(200000 + process * per + i)
      end)
    end
    local best = math.huge
    for _ = 1, 3 do
      local got, out, told, _, seconds = bad.measured(big, { "-t", "-f", "csv", "-c", "inode,pid" })
      bad.equal(links .. " links", got .. out .. told, "0inode,pid\r\n90001,7\r\n90002,\r\n")
      best = math.min(best, seconds)
    end
    return best
  end
  local half, whole = time_of(many / 2), time_of(many)
  bad.ok("the time is linear", whole < half * 4 + 0.5, ("%.3f s, %.3f s"):format(half, whole))
end) end)

--- The second row's fields, of process 8 with these files.
local function second(files)
  files["8/fd/4"] = { link = "socket:[90002]" }
  local tree = tree_with(files)
  local list, status, err = bad.ndjson(tree, "tcp")
  bad.equal("the pid", list[2].pid, 8)
  return list[2], status .. err, tree
end

case(115, "comm: empty, missing, huge, without line feed, with two, with control bytes", function()
  local got, told = second { ["8/comm"] = "", ["8/cmdline"] = "" }
  bad.equal("empty", tostring(got.comm) .. "|" .. tostring(got.program) .. "|" .. told, "||0")
  got, told = second { ["8/comm"] = "\n", ["8/cmdline"] = "" }
  bad.equal("a line feed", tostring(got.comm) .. "|" .. told, "|0")
  got, told = second { ["8/cmdline"] = "" }
  bad.equal("missing", tostring(got.comm) .. "|" .. tostring(got.program) .. "|" .. told, "null|null|0")
  got, told = second { ["8/comm"] = ("c"):rep(2 ^ 20), ["8/cmdline"] = "" }
  bad.equal("huge", got.comm .. "|" .. told, ("c"):rep(64) .. "|0")
  got = second { ["8/comm"] = "worker", ["8/cmdline"] = "" }
  bad.equal("without line feed", got.comm .. "|" .. got.program, "worker|worker")
  got = second { ["8/comm"] = "two\n\n", ["8/cmdline"] = "" }
  bad.equal("two line feeds: one is the kernel's", got.comm, "two\n")
  got, told = second { ["8/comm"] = "\27[31m) R 1\7\n", ["8/cmdline"] = "" }
  bad.equal("control bytes, bytes kept", got.comm .. "|" .. told, "\27[31m) R 1\7|0")
  local _, _, tree = second { ["8/comm"] = "\27[31mred\n", ["8/cmdline"] = "" }
  local _, out = bad.over(tree, { "netstat", "-tanp" })
  -- netstat names processes by cmdline alone.
  bad.contains("netstat", out, " 8/ ")
  _, out = bad.over(tree, { "-t" })
  bad.contains("control bytes in the table", out, [[\x1b[31mred]])
end)

local STAT = " S 1 5 5 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 1 0 12345 1000 100\n"

case(116, "stat: brackets and line feeds in the name, no bracket, three fields", function()
  local boot = { ["stat"] = "cpu 1\nbtime 1000000\n" }
  local function started(text)
    local got, told = second { ["8/stat"] = text, ["8/cmdline"] = "p\0", stat = boot.stat }
    return tostring(got.started) .. "|" .. told
  end
  bad.equal("an ordinary one", started("8 (p)" .. STAT), "1000123.45|0")
  bad.equal("a bracket in the name", started("8 (a) R 1 (b)" .. STAT), "1000123.45|0")
  bad.equal("a line feed in the name", started("8 (a\nb) c" .. ") " .. STAT:sub(2)), "1000123.45|0")
  bad.equal("no bracket", started("8 (p" .. STAT), "null|0")
  bad.equal("three fields", started("8 (p) S\n"), "null|0")
  bad.equal("empty", started(""), "null|0")
  bad.equal("a start that is no number", started("8 (p)" .. STAT:gsub("12345", "x2345")), "null|0")
  bad.equal("a start beyond 64 bits", started("8 (p)" .. STAT:gsub("12345", "18446744073709551616")), "null|0")
  bad.equal("huge", started(("x"):rep(2 ^ 20)), "null|0")
end)

case(117, "cmdline: NULs alone, no NUL, 6 MB, control bytes", function()
  local got = second { ["8/cmdline"] = ("\0"):rep(5), ["8/comm"] = "fallback\n" }
  bad.equal("NULs alone", got.program .. "|" .. tostring(got.cmdline), "fallback|null")
  got = second { ["8/cmdline"] = "nginx: master process /usr/sbin/nginx" }
  bad.equal("no NUL", got.program, "nginx: master process /usr/sbin/nginx")
  got = second { ["8/cmdline"] = "/usr/bin/python3\0" .. ("a"):rep(6e6) }
  bad.equal("6 MB: the name", got.program, "python3")
  bad.ok("6 MB: a bounded part of the rest", #got.cmdline == 4096, #got.cmdline)
  got = second { ["8/cmdline"] = ("n"):rep(6e6) }
  bad.ok("6 MB of a name", #got.program <= 4096, #got.program)
  local again, told, tree = second { ["8/cmdline"] = "/bin/\27[2Jx\n\0-\27]0;t\7\0" }
  bad.equal("control bytes", again.program .. "|" .. again.cmdline .. "|" .. told, "\27[2Jx\n|/bin/\27[2Jx\n -\27]0;t\7|0")
  for _, words in ipairs { { "-t", "-c", "program,cmdline" }, { "netstat", "-tanp" }, { "-t", "-f", "csv", "-c", "cmdline" },
    { "-t", "-f", "records", "-c", "cmdline" } } do
    local _, out = bad.over(tree, words)
    bad.ok("control bytes, " .. table.concat(words, " "), not out:gsub("\r\n", "\n"):find("[%z\1-\9\11-\31\127]"),
      bad.check.show(out))
  end
end)

case(118, "cgroup: no two colons, colons in the path, empty", function()
  local function cgroup(text)
    local got, told, tree = second { ["8/cgroup"] = text, ["8/cmdline"] = "p\0", ["7/cgroup"] = text }
    return tostring(got.cgroup) .. "|" .. told:gsub(tree:gsub("%p", "%%%0"), "TREE")
  end
  local TOLD = "3sockq: TREE: " .. CGROUP_FORM .. "\n"
  bad.equal("no colon", cgroup("nonsense\n"), "null|" .. TOLD)
  bad.equal("one colon", cgroup("0:/x\n"), "null|" .. TOLD)
  bad.equal("one line of two", cgroup("nonsense\n0::/good\n"), "/good|" .. TOLD)
  bad.equal("an empty line", cgroup("0::/good\n\n"), "/good|" .. TOLD)
  bad.equal("colons in the path", cgroup("0::/a:b c:d\n"), "/a:b c:d|0")
  bad.equal("without line feed", cgroup("0::/x"), "/x|0")
  bad.equal("old hierarchies", cgroup("9:cpu,cpuacct:/old\n1:name=systemd:/s\n"), "/old|0")
  bad.equal("empty", cgroup(""), "null|0")
  bad.equal("more than is read", cgroup(("9:x:/" .. ("p"):rep(50) .. "\n"):rep(400)), "/" .. ("p"):rep(50) .. "|0")
end)

case(119, "the link of a namespace: missing, no number, a path", function()
  local function netns(files)
    files["8/cmdline"] = "p\0"
    local got, told = second(files)
    return tostring(got.netns) .. " " .. tostring(got.netns_inode) .. " " .. told
  end
  bad.equal("missing", netns {}, "null null 0")
  for _, text in ipairs { "net:[x]", "/run/netns/blue", "net:[", "net:[]", "net:[-1]", "mnt:[4026531840]", "net:[1]x" } do
    bad.equal(text, netns { ["self/ns/net"] = { link = text }, ["8/ns/net"] = { link = text }, ["7/ns/net"] = { link = text } },
      "null null 0")
  end
  bad.equal("a file", netns { ["self/ns/net"] = "net:[4026531840]" }, "null null 0")
  bad.equal("as it should be", netns { ["self/ns/net"] = { link = "net:[4026531840]" } }:match("%d+ 0$"), "4026531840 0")
end)

case(120, "descriptors that may not be listed, or are missing", function()
  local tree = tree_with { ["8/fd/3"] = { link = "socket:[90002]" }, ["8/cmdline"] = "p\0", ["9/cmdline"] = "nothing\0" }
  posix.chmod(tree .. "/8/fd", 0)
  local as_nobody = posix.geteuid() == 0 and { through = bad.AS_NOBODY } or nil
  local list, status, err = bad.ndjson(tree, "tcp", as_nobody)
  bad.equal("the other's", list[1].pid, 7)
  bad.equal("none of its", #list[2].owners, 0)
  bad.ok("counted", err:find("^sockq: owners: 1 of 3 processes may not be read; [^\n]+\n$"), err)
  bad.ok("status", status == 0 or status == 3, status)
  bad.contains("why", list[2].owner_why, "no permission to read 1 process")
  local netstat_status, out, netstat_err = bad.over(tree, { "netstat", "-tanp" }, as_nobody)
  bad.equal("netstat: status", netstat_status, 0)
  bad.contains("netstat: the other's", out, " 7/good ")
  bad.equal("netstat: told", netstat_err, "(Not all processes could be identified, non-owned process info\n"
    .. " will not be shown, you would have to be root to see it all.)\n")
  -- A folder that is missing is silent, as netstat is.
  owners_are("missing", tree_with { ["9/cmdline"] = "nothing\0" }, "7/3", "")
  posix.chmod(tree .. "/8/fd", tonumber("755", 8))
end)

case(121, "processes that go while they are walked", function() bad.in_memory(function()
  local tree = tree_with {}
  local spawn = require "spawn"
  for process = 100, 299 do
    link_many(("%s/%d/fd"):format(tree, process), 1, 20, function(i) return ("socket:[%d]"):format(process * 100 + i) end)
  end
  local stop = tree .. "/stop"
  local child = spawn.start({ "sh", "-c", ([[cd %s; while [ ! -e stop ]; do for p in 1?? 2??; do mv $p gone-$p; done
    for p in 1?? 2??; do :; done; for p in gone-*; do mv $p ${p#gone-}; done; done]]):format(posix.quote(tree)) })
  for round = 1, 15 do
    local status, out, err = bad.over(tree, { "-t", "-f", "csv", "-c", "inode,pid" })
    bad.equal("round " .. round, status .. out .. err, "0inode,pid\r\n90001,7\r\n90002,\r\n")
  end
  posix.write_file(stop, "")
  bad.ok("the mover ends", child:wait(20))
  child:finish()
end) end)

case(122, "loops and FIFOs among the descriptors", function()
  local spawn = require "spawn"
  local tree = tree_with { ["8/fd/1"] = { link = "1" }, ["8/fd/2"] = { link = "." }, ["8/fd/3"] = { fifo = true },
    ["8/fd/4"] = { link = "socket:[90002]" }, ["8/fd/5"] = { link = "/proc/self/fd/0" }, ["8/fd/6"] = { link = "3" },
    ["8/fd/7"] = { link = "/dev/tty" } }
  -- A writer waits until somebody opens the FIFO to read.
  local writer = spawn.start({ "sh", "-c", "exec echo x >" .. posix.quote(tree .. "/8/fd/3") })
  owners_are("the links are read", tree, "7/3", "8/4", { FD_NO_LINK })
  bad.ok("nobody opened the FIFO", writer:wait(0.2) == nil)
  writer:finish()
end)

return bad
