--- The field registry: every entry is whole, and what it says of sources and owners is so.
--
--   luajit tests/lua/fields_test.lua        from the root of the tree, after scripts/build
package.path = "lua/?.lua;lua/?/init.lua;tests/lib/?.lua;" .. package.path
if not os.getenv("LUA_CPATH") then package.cpath = "build/release/lib/?.so;" .. package.cpath end

local check = require "check"
local fields = require "sockq.fields"
local posix = require "posix"
local rows = require "rows"
local sockq = require "sockq"
local tables = require "sockq.tables"
local tree = require "tree_of"

--- What the design promises by name (those that /proc can fill).
local PROMISED = { "proto", "family", "state", "local_addr", "local_port", "remote_addr", "remote_port", "laddr",
  "lport", "raddr", "rport", "recv_q", "send_q", "timer", "timer_code", "expires", "retrans", "probes", "uid", "user",
  "inode", "pid", "fd", "program", "cmdline", "owners", "nprocs", "owner_why", "cgroup", "unit", "container", "comm", "exe",
  "started",
  "netns", "netns_inode", "scope", "remote_scope", "rto",
  "ato", "cwnd", "ssthresh", "refs", "drops", "path", "dev" }

local TYPES = { string = "string", integer = "number", number = "number", boolean = "boolean", list = "table" }
local KEYS = { name = true, alias = true, type = true, unit = true, doc = true, sources = true, needs = true,
  get = true, raw = true, identifies = true, values = true, also = true, key = true,
  of_owner = true, from = true, diag = true, prefer = true }

-- The entries

local seen = {}
for _, field in ipairs(fields.list) do
  local name = field.name
  check.ok(name .. ": a name", type(name) == "string" and name:find("^%l[%l%d_]*$"), tostring(name))
  check.ok(name .. ": a type", TYPES[field.type], tostring(field.type))
  check.ok(name .. ": one line of doc", type(field.doc) == "string" and #field.doc > 5 and not field.doc:find("\n")
    and not field.doc:find("%.$"), tostring(field.doc))
  check.ok(name .. ": sources", type(field.sources) == "table" and #field.sources > 0)
  for _, source in ipairs(field.sources) do check.ok(name .. ": source " .. source, tables.groups[source]) end
  check.equal(name .. ": a getter", type(field.get), "function")
  check.ok(name .. ": raw", field.raw == nil or type(field.raw) == "function")
  check.ok(name .. ": unit", field.unit == nil or type(field.unit) == "string" and field.unit:find("^%l[%l/]+%l$"))
  check.ok(name .. ": from", field.from == nil or field.from == "diag" or field.from == "proc")
  check.ok(name .. ": prefer", field.prefer == nil or not field.from and (field.prefer == "diag" or field.prefer == "proc"))
  for _, source in ipairs(field.diag or {}) do
    check.ok(name .. ": of sock_diag are tables of its own", table.concat(field.sources, " "):find(source, 1, true))
  end
  check.ok(name .. ": needs", field.needs == nil or fields.NEEDS[field.needs])
  check.ok(name .. ": identifies", field.identifies == nil or field.identifies == true and field.type == "integer")
  check.ok(name .. ": a number that is a name says so", field.identifies or
    not (name:find("port") or name:find("_id$") or name:find("^[pu]id$")))
  for key in pairs(field) do check.ok(name .. ": key " .. tostring(key), KEYS[key]) end
  check.ok(name .. ": once", not seen[name])
  seen[name] = true
  for _, alias in ipairs(field.alias or {}) do
    check.ok(alias .. ": once", not seen[alias])
    seen[alias] = true
    check.equal(alias .. ": a short form", fields.by_name[alias], field)
  end
  check.equal(name .. ": by name", fields.by_name[name], field)
end
for _, name in ipairs(PROMISED) do check.ok("promised: " .. name, seen[name]) end
do
  local names = fields.names()
  local count = 0
  for i, name in ipairs(names) do
    check.ok("names() knows " .. name, seen[name])
    check.ok("names() is sorted", i == 1 or names[i - 1] < name)
    count = count + 1
  end
  for _ in pairs(seen) do count = count - 1 end
  check.equal("names() has all", count, 0)
  check.equal("sockq.fields", sockq.fields, fields.list)
end

-- Sources: a table that is not named has no value; one that is has it somewhere

local six = ("0"):rep(32)
local IN_POD = "/kubepods.slice/kubepods-pod87a18a64_b74a_454a_b10b_a4a36059d0a3.slice/cri-containerd-"
  .. ("5"):rep(64) .. ".scope"
local WORLD = tree.make {
  ["net/tcp"] = rows.file("tcp", {
    rows.tcp { lport = 1, raddr = "0200000A", rport = 2, state = 1, timer = 2, when = 100, uid = 7, inode = 11,
      tail = " 1 0 20 4 30 10 7" },
    rows.tcp { lport = 1, raddr = "0200000A", rport = 2, state = 6, timer = 3, when = 100 } }),
  ["net/tcp6"] = rows.file("tcp6", { rows.tcp { laddr = six, lport = 1, state = 10, inode = 12 } }),
  ["net/udp"] = rows.file("udp", { rows.datagram { lport = 1, timer = 1, when = 5, inode = 13 } }),
  ["net/udplite"] = rows.file("udplite", { rows.datagram { lport = 1, timer = 1, when = 5, inode = 14 } }),
  ["net/raw"] = rows.file("raw", { rows.datagram { lport = 1, timer = 1, when = 5, inode = 15 } }),
  ["net/icmp"] = rows.file("icmp", { rows.datagram { lport = 1, timer = 1, when = 5, inode = 16 } }),
  ["net/unix"] = rows.file("unix", { rows.unix { inode = 17, path = "/x" } }),
  ["net/netlink"] = rows.file("netlink", { "0 0 4242 00000001 7 8 0 2 3 18" }),
  ["net/packet"] = rows.file("packet", { "0 3 3 0003 2 1 9 1000 19" }),
  ["net/sctp/eps"] = rows.file("sctp/eps", { "f f 2 10 29 5000 1000 20 127.0.0.1" }),
  ["net/sctp/assocs"] = rows.file("sctp/assocs", {
    "f f 2 1 3 9 17 1 2 0 21 1 2 127.0.0.1 <-> *10.0.0.2 \t5000 1 1 10 0 0 0" }),
  ["sys/kernel/hostname"] = "here\n",
  ["stat"] = "cpu  1 2 3\nintr 5 btime 9\nctxt 7\nbtime 1795671544\nprocesses 3\n",
  ["5/comm"] = "fi ve) R 1\n", ["5/exe"] = { link = "/opt/f\27ive (deleted)" },
  ["5/stat"] = "5 (fi ve) R 1) S 1 5 5 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 1 0 12345 1000 100 18446744073709551615\n",
  ["5/cmdline"] = "/bin/five\0-x\0", ["5/cgroup"] = "0::" .. IN_POD .. "\n",
  ["5/fd/0"] = { link = "socket:[11]" }, ["5/fd/1"] = { link = "socket:[12]" }, ["5/fd/2"] = { link = "socket:[13]" },
  ["5/fd/3"] = { link = "socket:[14]" }, ["5/fd/4"] = { link = "socket:[15]" }, ["5/fd/5"] = { link = "socket:[16]" },
  ["5/fd/6"] = { link = "socket:[17]" }, ["5/fd/7"] = { link = "socket:[18]" }, ["5/fd/8"] = { link = "socket:[19]" },
  ["5/fd/9"] = { link = "socket:[20]" }, ["5/fd/10"] = { link = "socket:[21]" },
}
-- Not in a captured tree: the namespace and the devices of this machine. owner_why: only without one. suspect: where
-- something is wrong.
local NOT_HERE = { peer_pid = true, peer_program = true, netns = true, netns_inode = true, dev = true, suspect = true }
-- Some but not all tables of the group fill these.
local PARTLY = { backlog = { tcp = true }, recv_q = { ["sctp/eps"] = true }, send_q = { ["sctp/eps"] = true } }

sockq.open(WORLD)
do
  local by_table = {}
  for row in sockq.all():rows() do
    by_table[row.table] = by_table[row.table] or {}
    table.insert(by_table[row.table], row)
  end
  for _, field in ipairs(fields.list) do
    local named = {}
    for _, source in ipairs(field.from ~= "diag" and field.sources or {}) do
      for _, number in ipairs(tables.groups[source]) do named[tables.list[number].file or ""] = true end
    end
    for _, source in ipairs(field.diag or {}) do
      for _, number in ipairs(tables.groups[source]) do named[tables.list[number].file or ""] = nil end
    end
    for file, list in pairs(by_table) do
      local found
      for _, row in ipairs(list) do
        local value = row[field.name]
        if value ~= nil then
          found = true
          check.equal(("%s of %s: type"):format(field.name, file), type(value), TYPES[field.type])
          if field.type == "integer" then
            check.ok(("%s of %s: an integer"):format(field.name, file), value % 1 == 0, tostring(value))
          end
        end
      end
      local title = ("%s: %s"):format(field.name, file)
      if not named[file] then
        check.ok(title .. " is no source of it", not found)
      elseif not NOT_HERE[field.name] and not (PARTLY[field.name] or {})[file] and field.name ~= "owner_why"
        and not (field.name == "ssthresh" and file == "tcp6") and not (field.name == "expires" and file == "tcp6")
        and file ~= "sctp/eps" then
        check.ok(title .. " is a source of it", found)
      end
    end
  end
end

-- What is read of a process, as it stands there

for row in sockq.tcp():where("local_port == 1 and inode == 11"):rows() do
  check.equal("comm is as the kernel has it", row.comm, "fi ve) R 1")
  check.equal("exe is the link's bytes", row.exe, "/opt/f\27ive (deleted)")
  check.equal("started is the machine's start and the process's ticks", row.started, 1795671544 + 123.45)
end
do
  -- Only what is asked for is read, and of the words of a computed field all.
  sockq.field { name = "two_things", expr = "comm .. (exe or '') .. (started or 0)" }
  check.equal("a computed field needs what its parts need", fields.by_name.two_things.needs, "comm exe started")
  check.equal("needs are flags", fields.flags { two_things = true }, 8 + 16 + 32)
  check.equal("one flag a field", fields.flags { exe = true }, 16)
end

-- Owners read from the start, and late, when a script first asks

local OWNED = { "pid", "fd", "program", "cmdline", "owner_why", "cgroup", "unit", "container", "runtime", "pod",
  "comm", "exe", "started" }

local function owner_of(row, names)
  local parts = {}
  for i, name in ipairs(names) do parts[i] = name .. "=" .. tostring(row[name]) end
  local list = {}
  for i, one in ipairs(row.owners) do
    list[i] = ("%d/%d/%s/%s"):format(one.pid, one.fd, tostring(one.program), tostring(one.cmdline))
  end
  parts[#parts + 1] = table.concat(list, ",")
  return table.concat(parts, "\n")
end

local function owners_in(query, names)
  local all = {}
  for row in query:rows() do all[#all + 1] = row.table .. ":" .. row.line .. "\n" .. owner_of(row, names) end
  return all
end

for _, path in ipairs { WORLD, "tests/data/captures/mixed-1/proc", "tests/data/captures/mixed-2/proc",
  "tests/data/captures/centos7-seed/proc" } do
  sockq.open(path)
  local title = path:match("[^/]+/?[^/]*$")
  local upfront = owners_in(sockq.all():needs { "pid", "cgroup", "comm", "exe", "started" }, OWNED)
  local orders = {
    ["late"] = sockq.all(),
    ["owners upfront, cgroups late"] = sockq.all():needs { "pid" },
    ["by an expression"] = sockq.all():where("pid ~= nil or pid == nil"),
    ["by a cgroup in an expression"] = sockq.all():where("cgroup == 'x' or true"),
    ["exe upfront"] = sockq.all():needs { "exe" },
    ["by started in an expression"] = sockq.all():where("started > 1 or true"),
  }
  for name, query in pairs(orders) do
    local got = owners_in(query, OWNED)
    check.equal(("%s, %s: rows"):format(title, name), #got, #upfront)
    for i, want in ipairs(upfront) do check.equal(("%s, %s: row %d"):format(title, name, i), got[i], want) end
  end
  -- in every order of asking
  local reversed = {}
  for i = #OWNED, 1, -1 do reversed[#reversed + 1] = OWNED[i] end
  local first_cgroup = owners_in(sockq.all(), reversed)
  local again = owners_in(sockq.all():needs { "cgroup", "pid" }, reversed)
  for i = 1, #again do check.equal(("%s: asked in reverse, row %d"):format(title, i), first_cgroup[i], again[i]) end
  -- through cursors, and through rows that outlive their query
  local through = {}
  sockq.all():each(function(row) through[#through + 1] = row.table .. ":" .. row.line .. "\n" .. owner_of(row, OWNED) end)
  local kept = sockq.all():list()
  for _ = 1, 20 do sockq.all():count() end
  collectgarbage()
  for i, want in ipairs(upfront) do
    check.equal(("%s: by a cursor, row %d"):format(title, i), through[i], want)
    check.equal(("%s: of a kept row, row %d"):format(title, i),
      kept[i].table .. ":" .. kept[i].line .. "\n" .. owner_of(kept[i], OWNED), want)
  end
end

-- What owners are

do
  sockq.open(WORLD)
  local row = sockq.tcp():first()
  check.equal("pid", row.pid, 5)
  check.equal("program", row.program, "five")
  check.equal("cmdline", row.cmdline, "/bin/five -x")
  check.equal("cgroup", row.cgroup, IN_POD)
  check.equal("no reason where there is an owner", row.owner_why, nil)
  local list = row.owners
  list[1].pid = 0
  check.equal("a list is the script's own", row.owners[1].pid, 5)
  local late = tree.make { ["net/tcp"] = rows.file("tcp", { rows.tcp { lport = 1, inode = 77 } }),
    ["6/cmdline"] = "six\0", ["6/fd/1"] = { link = "socket:[77]" } }
  sockq.open(late)
  local before = sockq.tcp():list()[1]
  check.equal("owners that are read late", before.program, "six")
  posix.write_file(late .. "/6/cmdline", "seven\0")
  check.equal("are read once a row set", before.program, "six")
  check.equal("and again for the next", sockq.tcp():first().program, "seven")
  sockq.open("tests/data/captures/centos7-seed/proc")
  check.equal("of another tree than is open now", before.fd, 1)
end

posix.cleanup()
check.finish()
