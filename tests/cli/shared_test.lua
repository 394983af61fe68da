--- Sockets of several processes: nprocs, and groups by fields of the owner, which count a socket once for
--- each different value; random trees, compared with what tests/lib/shared_oracle.py computes.
--
--   luajit tests/cli/shared_test.lua --sockq PATH [--seed N]       from the root of the tree
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"
local tree = require "tree_of"
local cjson = require "cjson"

check.at_end(posix.cleanup)

local seed = 1
for i, word in ipairs(arg) do
  if word == "--seed" then seed = tonumber(arg[i + 1]) end
end
math.randomseed(seed)
print("seed " .. seed)

local HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
local ROW = "%4d: 0100007F:%04X 00000000:0000 %s 00000000:00000000 00:00000000 00000000     0        0 %d 1 0 100 0 0 10 0\n"
local STATES = { "01", "08", "0A" }

--- Processes with few programs and containers, that have random sockets, some of them twice.
local function random_tree(sockets, processes)
  local files, rows = {}, { HEAD }
  for i = 1, sockets do
    rows[i + 1] = ROW:format(i - 1, math.random(65535), STATES[math.random(3)], 1000 + i)
  end
  files["net/tcp"] = table.concat(rows)
  for i = 1, processes do
    local pid, fds = 10 * i + math.random(0, 9), 0
    files[pid .. "/cmdline"] = ("/bin/prog%d\0-x\0"):format(math.random(4))
    files[pid .. "/cgroup"] = math.random(3) > 1 and ("0::/docker/%08x%056x\n"):format(math.random(3), 1) or "0::/\n"
    files[pid .. "/fd"] = { folder = true }
    for _ = 1, math.random(0, 6) do
      local inode = 1000 + math.random(sockets)
      for _ = 1, math.random(4) == 1 and 2 or 1 do
        fds = fds + 1
        files[("%d/fd/%d"):format(pid, fds)] = { link = ("socket:[%d]"):format(inode) }
      end
    end
  end
  return tree.make(files)
end

local QUERIES = { { "program" }, { "pid" }, { "container" }, { "fd" }, { "program", "pid" }, { "pid", "program" },
  { "state", "program" }, { "program", "state", "container" }, { "state" } }

--- The groups of one answer as a sorted text.
local function text_of(groups)
  local lines = {}
  for i, group in ipairs(groups) do
    local cells = {}
    for at, value in ipairs(group) do
      cells[at] = value == cjson.null and "" or type(value) == "number" and ("%d"):format(value) or value
    end
    lines[i] = table.concat(cells, ",")
  end
  table.sort(lines)
  return table.concat(lines, "\n")
end

local function sorted(out)
  local lines = {}
  for line in out:gmatch("([^\r\n]+)") do lines[#lines + 1] = line end
  table.sort(lines)
  return table.concat(lines, "\n")
end

-- Rows that a script has kept before it groups them: their owners are read late.
local SCRIPT = [[
local kept, keys = sockq.from("tcp"):list(), arg[1]
sockq.rows(kept):group(keys):agg("count, ports=sum(local_port), pids=distinct(pid)"):print{ format = "csv", header = false }
for i, row in ipairs(sockq.from("tcp"):list()) do assert(row.pid == kept[i].pid and row.fd == kept[i].fd) end
]]

local shared = 0
for round = 1, 12 do
  local root = random_tree(math.random(12), math.random(10))
  local status, out, err = posix.run({ "python3", "tests/lib/shared_oracle.py", root },
    { stdin = cjson.encode(QUERIES), timeout = 60 })
  check.equal("the other program", status .. err, "0")
  local want = cjson.decode(out)
  local recorded = root .. "/record"
  status, out, err = program.run { "--proc", root, "record", recorded }
  check.equal("record", status .. out .. err, "0")
  for title, from in pairs { tree = { "--proc", root }, recording = { "--read", recorded } } do
    local function run(words)
      return program.run { from[1], from[2], unpack(words) }
    end
    for i, keys in ipairs(QUERIES) do
      local names = table.concat(keys, ",")
      local name = ("%d, %s: -g %s"):format(round, title, names)
      local options = { "--from", "tcp", "-f", "csv", "--no-header", "-g", names, "-A", "count, ports=sum(local_port), " ..
        "pids=distinct(pid)" }
      status, out, err = run(options)
      check.equal(name .. ": status", status .. err, "0")
      -- Without a key that tells of owners a row counts once, with its first owner.
      local expected = text_of(want[i])
      if names == "state" then
        out, expected = out:gsub(",%d+\r", "\r"), expected:gsub(",%d+\n", "\n"):gsub(",%d+$", "")
      end
      check.equal(name, sorted(out), expected)
      if names ~= "state" then
        status, out, err = run { "-e", SCRIPT, names }
        check.equal(name .. ", of kept rows: status", status .. err, "0")
        check.equal(name .. ", of kept rows", sorted(out), expected)
      end
    end
    -- A key that is made from such a field does as the field does.
    status, out = run { "--from", "tcp", "-f", "csv", "--no-header", "-g", "program=lower(program)", "-A",
      "count, ports=sum(local_port), pids=distinct(pid)" }
    check.equal(("%d, %s: by an expression"):format(round, title), status .. sorted(out), 0 .. text_of(want[1]))

    status, out, err = run { "--from", "tcp", "-f", "csv", "--no-header", "-c", "inode,nprocs,program" }
    check.equal("nprocs: status", status .. err, "0")
    local first = {}
    for inode, count, name in out:gmatch("(%d+),(%d*),([^\r]*)\r\n") do
      local known = want[#want][inode]
      check.equal(("%d, %s: nprocs of %s"):format(round, title, inode), count, known > 0 and ("%d"):format(known) or "")
      shared = shared + (known > 1 and 1 or 0)
      first[name] = (first[name] or 0) + 1
    end
    -- A condition asks the first owner, which is the one that is shown.
    status, out = run { "--from", "tcp", "-f", "csv", "--no-header", "-A", "count", "program == 'prog1'" }
    check.equal(("%d, %s: a condition"):format(round, title), status .. out, ("0%d\r\n"):format(first.prog1 or 0))
  end
end
check.ok("many sockets are shared", shared > 50, tostring(shared))

-- An error in a key while a socket has another owner's turn: rows tell of first owners afterwards.

local root = tree.make {
  ["net/tcp"] = HEAD .. ROW:format(0, 80, "0A", 1), ["7/cmdline"] = "/bin/a\0", ["7/fd/1"] = { link = "socket:[1]" },
  ["8/cmdline"] = "/bin/b\0", ["8/fd/1"] = { link = "socket:[1]" }, ["8/fd/2"] = { link = "socket:[1]" },
}
local status, out, err = program.run { "--proc", root, "-e", [[
local row = sockq.from("tcp"):first()
local first, second = row.owners[1].pid, row.owners[#row.owners].pid
local ok, wrong = pcall(function()
  sockq.rows({ row }):group({ "program", function(one) if one.pid == second then error("no", 0) end end }):list()
end)
print(ok, wrong, row.pid == first, row.nprocs, #row.owners)
sockq.field{ name = "what", expr = "program" }
for group in sockq.from("tcp"):group("what"):sort("what"):rows() do print(group.what, group.count) end
for group in sockq.from("tcp"):select("program"):group("program"):rows() do print(group.count) end
]] }
check.equal("errors, computed fields, records", status .. out .. err, "0false\tno\ttrue\t2\t3\na\t1\nb\t1\n1\n")

check.finish()
