--- Pairs: the other end of a connection, against a join of the kernel's text in python, over a captured
--- tree, from recordings, early and late.
--
--   luajit tests/cli/peers_test.lua --sockq PATH        from the root of the tree
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"
local rows = require "rows"

check.at_end(posix.cleanup)

local DIR = posix.tmpdir("sockq-peers")

-- A captured tree: a client and a server, mapped addresses, one left over, one of nobody

local MAPPED = "0000000000000000FFFF00000100007F"
local function tcp(lport, rport, inode, more)
  local f = { lport = lport, raddr = "0100007F", rport = rport, state = 1, inode = inode }
  for key, value in pairs(more or {}) do f[key] = value end
  return rows.tcp(f)
end

local function process(pid, name, ...)
  local files = { [pid .. "/cmdline"] = name .. "\0" }
  for i, inode in ipairs { ... } do files[("%s/fd/%d"):format(pid, i + 2)] = { link = ("socket:[%d]"):format(inode) } end
  return files
end

local function tree()
  local files = {
    ["net/tcp"] = rows.file("tcp", {
      tcp(80, 0, 1, { state = 10, raddr = "00000000" }), tcp(80, 4001, 11), tcp(4001, 80, 21), tcp(80, 4002, 12),
      tcp(4002, 80, 0, { state = 6 }), tcp(4003, 8080, 23, { state = 8 }), tcp(4004, 80, 24), tcp(99, 99, 25),
    }),
    ["net/tcp6"] = rows.file("tcp6", { tcp(8080, 4003, 13, { laddr = MAPPED, raddr = MAPPED, state = 5 }) }),
    ["net/udp"] = rows.file("udp", { rows.datagram { lport = 4001, raddr = "0100007F", rport = 80, state = 1, inode = 31 } }),
    ["net/unix"] = rows.file("unix", { rows.unix { inode = 41, path = "/run/x" } }),
  }
  for path, file in pairs(process("100", "/usr/sbin/nginx", 1, 11, 12, 13)) do files[path] = file end
  for path, file in pairs(process("200", "curl", 21, 23, 24, 25, 31, 41)) do files[path] = file end
  return program.tree(files)
end

local TREE = tree()

local function tsv(from, words, status)
  local all = { "-f", "tsv", "--no-header", unpack(from) }
  for _, word in ipairs(words) do all[#all + 1] = word end
  local got, out, err = program.run(all)
  check.equal(table.concat(words, " ") .. ": status", got, status or 0)
  return out:gsub("\t", " "), err
end

local RECORDED = DIR .. "/recorded"
check.equal("record", program.run { "--proc", TREE, "record", RECORDED }, 0)

for where, from in pairs { ["a tree"] = { "--proc", TREE }, ["a recording"] = { "--read", RECORDED } } do
  local columns = { "-c", "table,local_port,state,pid,peer_pid,peer_program" }
  check.equal(where .. ": all", tsv(from, { "--from", "tcp,udp,unix", unpack(columns) }),
    "tcp 80 LISTEN 100  \ntcp 80 ESTABLISHED 100 200 curl\ntcp 4001 ESTABLISHED 200 100 nginx\n"
    .. "tcp 80 ESTABLISHED 100  \ntcp 4002 TIME_WAIT  100 nginx\ntcp 4003 CLOSE_WAIT 200 100 nginx\n"
    .. "tcp 4004 ESTABLISHED 200  \ntcp 99 ESTABLISHED 200 200 curl\ntcp6 8080 FIN_WAIT2 100 200 curl\n"
    .. "udp 4001 ESTABLISHED 200  \nunix  UNCONN 200  \n")
  -- What is asked for comes out, and nothing that is read beside it.
  check.equal(where .. ": the end is in another table", tsv(from, { "--from", "tcp6", unpack(columns) }),
    "tcp6 8080 FIN_WAIT2 100 200 curl\n")
  check.equal(where .. ": the end is in another state", tsv(from, { "-t", "CLOSE_WAIT", unpack(columns) }),
    "tcp 4003 CLOSE_WAIT 200 100 nginx\n")
  check.equal(where .. ": a condition on it", tsv(from, { "-t", "ESTABLISHED and peer_program == 'nginx'", "-c", "local_port" }),
    "4001\n")
  check.equal(where .. ": groups", tsv(from, { "-t", "-g", "program,peer_program", "-s", "program,peer_program" }),
    "curl curl 1\ncurl nginx 2\ncurl  1\nnginx curl 2\nnginx  2\n nginx 1\n")
  check.equal(where .. ": a limit", tsv(from, { "peer_pid == 200", "-L", "1", "-c", "local_port" }), "80\n")
  check.equal(where .. ": none", tsv(from, { "-t", "peer_program == 'sshd'", "-c", "local_port" }, 1), "")
end

-- Scripts: early, late, in the middle of a walk, from cursors

local function script(name, code, want)
  for where, from in pairs { ["a tree"] = { "--proc", TREE }, ["a recording"] = { "--read", RECORDED } } do
    local words = { unpack(from) }
    words[#words + 1], words[#words + 2] = "-e", code
    local status, out, err = program.run(words)
    check.equal(("%s, %s: status"):format(name, where), status, 0)
    check.equal(("%s, %s: messages"):format(name, where), err, "")
    check.equal(("%s, %s"):format(name, where), out, want)
  end
end

local ENDS = "80>nil 80>4001 4001>80 80>4002 4002>80 4003>8080 4004>nil 99>99 8080>4003"
local WALK = [[
  local list = {}
  for s in QUERY:rows() do
    local p = s:peer()
    list[#list + 1] = s.local_port .. ">" .. tostring(p and p.local_port)
    if p then
      assert(p.remote_port == s.local_port and s.peer_pid == p.pid and s.peer_program == p.program)
      assert(p:peer():peer() == p and p:keep() == p and (p ~= s or s.local_port == 99))
    end
  end
  print(table.concat(list, " "))
]]
script("rows, late", WALK:gsub("QUERY", "sockq.tcp()"), ENDS .. "\n")
script("rows, early", WALK:gsub("QUERY", "sockq.tcp():needs{'peer_pid'}"), ENDS .. "\n")
script("rows that are kept, late", WALK:gsub("QUERY", "sockq.tcp():keep()"), ENDS .. "\n")
script("the row itself again", [[
  local n = 0
  for s in sockq.tcp():needs{"peer_pid"}:rows() do
    local p = s:peer()
    if p then n = n + 1 assert(p:peer() == s) end
  end
  print(n)]], "7\n")
script("cursors", [[
  local kept = {}
  sockq.tcp():where("peer_pid == 200"):each(function(s) kept[#kept + 1] = s:peer() end)
  collectgarbage() collectgarbage()
  for _, p in ipairs(kept) do print(p.local_port, p.pid) end]], "4001\t200\n99\t200\n4003\t200\n")
script("counting", [[
  print(sockq.from("tcp6"):needs{"peer_pid"}:count(), sockq.from("tcp6"):count(), sockq.tcp():where("peer_pid"):count())
  print(#sockq.from("tcp6"):needs{"peer_pid"}:list(), sockq.unix():needs{"peer_pid"}:count())
  print(sockq.tcp():where("CLOSE_WAIT"):needs{"peer_pid"}:count(), sockq.unix():first():peer())]],
  "1\t1\t6\n1\t1\n1\tnil\n")
script("a computed field", [[
  sockq.field{ name = "pair", get = function(s) return s.pid and s.peer_pid and s.pid .. "-" .. s.peer_pid end,
    type = "string", needs = { "pid", "peer_pid" } }
  for g in sockq.tcp():where("pair ~= nil"):group("pair"):count():sort("pair"):rows() do print(g.pair, g.count) end]],
  "100-200\t2\n200-100\t2\n200-200\t1\n")
check.equal("a recording of a condition on it", program.run { "--proc", TREE, "record", DIR .. "/some", "-t",
  "peer_program == 'nginx'" }, 0)
check.equal("has those rows, and their other ends no more", tsv({ "--read", DIR .. "/some" },
  { "-t", "-c", "local_port,peer_pid" }), "4001 \n4002 \n4003 \n")

-- Two network namespaces of one capture: a container and its host

do
  local function link(inode) return { link = ("net:[%d]"):format(inode) } end
  local files = {
    ["1/ns/net"] = link(10), ["50/ns/net"] = link(20),
    ["net/tcp"] = rows.file("tcp", {
      rows.tcp { laddr = "010011AC", lport = 5000, raddr = "020011AC", rport = 80, state = 1, inode = 1 },
      tcp(7, 8, 2),
    }),
    ["50/net/tcp"] = rows.file("tcp", {
      rows.tcp { laddr = "020011AC", lport = 80, raddr = "010011AC", rport = 5000, state = 1, inode = 3 }, tcp(8, 7, 4),
    }),
  }
  files["1/net/tcp"] = files["net/tcp"]
  for path, file in pairs(process("1", "proxy", 1, 2)) do files[path] = file end
  for path, file in pairs(process("50", "web", 3, 4)) do files[path] = file end
  local from = { "--proc", program.tree(files), "--netns", "all" }
  check.equal("namespaces", tsv(from, { "-t", "-c", "local_port,program,peer_program" }),
    "5000 proxy web\n7 proxy \n80 web proxy\n8 web \n")
end

-- Processes that talk to each other

do
  local path = DIR .. "/live"
  local commands = {
    "$S -c table,local_port,remote_port,pid,peer_pid 'remote_port > 0'", "echo tcp6",
    "$S --from tcp6 -c table,local_port,remote_port,pid,peer_pid 'remote_port > 0'", "echo late",
    [[$S -e 'for s in sockq.from("tcp,udp"):where("remote_port > 0"):rows() do local p = s:peer() print(s.table, s.local_port,
      s.remote_port, s.pid or "", p and p.pid or "") assert(not p or p:peer():peer() == p) end']], "echo recorded",
    "$Q record " .. path, "$S --read " .. path .. " -c table,local_port,remote_port,pid,peer_pid 'remote_port > 0'",
  }
  local shell = ("Q='%s'; S=\"$Q -f tsv --no-header\"; "):format(program.path) .. table.concat(commands, " 2>/dev/null && ")
  local argv = { "unshare", "-n", "--", "python3", "tests/lib/pairs.py", "sh", "-c", shell }
  if posix.geteuid() ~= 0 then table.insert(argv, 2, "-r") end
  local status, out, err = posix.run(argv, { timeout = 60, env = program.environment() })
  if status ~= 0 and out == "" then
    program.skip_part("live connections", "no network namespace or no python3 here: " .. (err:match("[^\n]*\n?$") or ""))
  else
    check.equal("live: status", status, 0)
    local parts, name = { oracle = {} }, "early"
    for _, line in ipairs(program.lines(out)) do
      local want = line:match("^oracle (.*)")
      if want then
        table.insert(parts.oracle, (want:gsub("%-", "")))
      elseif line:find("^%l+%d?$") then
        name = line
      else
        parts[name] = parts[name] or {}
        table.insert(parts[name], (line:gsub("\t", " ")))
      end
    end
    local function text(list, pattern)
      local some = {}
      for _, line in ipairs(list or {}) do some[#some + 1] = line:find(pattern) and line or nil end
      table.sort(some)
      return table.concat(some, "\n")
    end
    check.ok("live: pairs", #parts.oracle > 30, #parts.oracle)
    for _, kind in ipairs { "early", "late", "recorded" } do
      check.equal("live, " .. kind, text(parts[kind], "."), text(parts.oracle, "."))
    end
    check.equal("live, tcp6 alone", text(parts.tcp6, "."), text(parts.oracle, "^tcp6"))
  end
end

check.finish()
