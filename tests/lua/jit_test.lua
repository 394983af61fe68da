--- That LuaJIT compiles what runs once a row: the walk over 100,000 rows, or over the columns of each
-- where a format prints them, is one compiled loop, nothing in it is left to the interpreter for want
-- of an instruction or blacklisted, and no call leaves compiled code and comes back.
--
--   luajit tests/lua/jit_test.lua        from the root of the tree, after scripts/build
--
-- Each case runs in a luajit of its own, since a function that was blacklisted stays so:
--   luajit tests/lua/jit_test.lua --case NAME TREE      prints what happened to every trace
package.path = "lua/?.lua;lua/?/init.lua;tests/lib/?.lua;" .. package.path
if not os.getenv("LUA_CPATH") then package.cpath = "build/release/lib/?.so;" .. package.cpath end

local ffi = require "ffi"
local posix = require "posix"

local ROWS = 100000

-- Aborts that are no fault: the recorder started at a bad place and starts at a better one next, or a
-- branch that few rows take is too much for the code generator and stays with the interpreter.
local HARMLESS = { "leaving loop in root trace", "inner loop in root trace", "NYI: return to lower frame",
  "retry recording", "symbol not in cache", "down%-recursion", "NYI: register coalescing too complex",
  "loop unroll limit reached", "trace too long" }

-- What LuaJIT takes for hot depends on addresses, which differ from run to run: what is wrong with the
-- code is wrong in each of so many runs.
local RUNS = 4

--- name → what runs before the watch, giving what is watched. `some` is how many rows match.
local function cases(sockq, some)
  local view
  local function netstat(...)
    local args = { ... }
    return function()
      view = view or require("sockq.views.netstat")
      return function() view.run(args) end
    end
  end
  local function counts(predicate, want)
    return function()
      local query = sockq.tcp():where(predicate)
      return function() assert(query:count() == (want or some)) end
    end
  end
  local function prints(format)
    return function()
      -- What happens once a listing is no loop over rows.
      local query, count = sockq.tcp(), 0
      local sink = assert(require("sockq.output").sink(query, nil, "columns", { format = format }))
      query = query:needs(require("sockq.columns").needs(sink.columns))
      return function()
        query:each(function(row)
          count = count + 1
          sink.row(row)
        end)
        sink.finish()
        assert(count > some)
      end
    end
  end
  local function groups(keys)
    return function()
      local query = sockq.tcp():group(keys)
      return function()
        local count = 0
        query:each(function(group) count = count + group.count end)
        assert(count >= ROWS)
      end
    end
  end
  return {
    ["group state"] = groups("state"), ["group program"] = groups("program"), ["group container"] = groups("container"),
    ["group program, state"] = groups("program, state"),
    ["expression on state"] = counts("LISTEN"),
    ["expression on several fields"] = counts(
      "state == 'LISTEN' and local_port > 0 and (retrans == 0 or expires == nil) and recv_q < 1e12"),
    ["expression with unknown values"] = counts("not (expires > 1e9) and cwnd ~= -5 and LISTEN"),
    ["expression on an address"] = counts("LISTEN and local_addr ~= '::1' and remote_addr == '0.0.0.0'"),
    ["within"] = counts('LISTEN and not within(remote_addr, "10.0.0.0/8")'),
    ["within IPv6, and one address"] = counts('LISTEN and (within(local_addr, "fe80::/10") or within(remote_addr, "0.0.0.0"))'),
    ["subnet and scope"] = counts('LISTEN and subnet(remote_addr, 24) ~= "x" and scope(remote_addr) == "any"'),
    ["bucket, service, plain match"] = counts(
      'LISTEN and bucket(local_port, 10) <= local_port and (service(local_port) or "-") ~= "x" and not match(state, "x")'),
    ["function of state"] = counts(function(row) return row.state == "LISTEN" end),
    ["function of several fields"] = counts(function(row)
      return row.state == "LISTEN" and row.local_port > 0 and row.timer == "off" and (row.uid or 0) >= 0
    end),
    ["function with a counter"] = function()
      local by_state = {}
      local query = sockq.tcp():where(function(row)
        local state = row.state
        by_state[state] = (by_state[state] or 0) + 1
        return false
      end)
      return function()
        query:count()
        assert(by_state.LISTEN == some)
      end
    end,
    ["format table"] = prints("table"), ["format csv"] = prints("csv"), ["format ndjson"] = prints("ndjson"),
    ["netstat -ant"] = netstat("-ant"), ["netstat -anto"] = netstat("-anto"), ["netstat -antoe"] = netstat("-antoe"),
    ["netstat -antpoe"] = netstat("-antpoe"), ["netstat -antW"] = netstat("-antW"), ["netstat -lnt"] = netstat("-lnt"),
  }
end

-- The loop that becomes a compiled one: over the rows, or over the columns of each.
local LOOPS = { ["format table"] = "table", ["format csv"] = "cells", ["format ndjson"] = "cells" }

-- In the child: run one case and tell of every trace.

local function location(func, pc)
  local info = require("jit.util").funcinfo(func, pc)
  return info.loc or "C"
end

local function abort_text(number, info)
  if type(number) ~= "number" then return tostring(number) end
  local vmdef = require "jit.vmdef"
  local text = vmdef.traceerr[number]
  if type(info) == "function" then info = location(info) end
  if text:find("bytecode") and type(info) == "number" then info = vmdef.bcnames:sub(info * 6 + 1, info * 6 + 6) end
  return (text:gsub("%%[ds]", tostring(info)))
end

local function watch(run)
  local events, start = {}, nil
  local function on_trace(what, number, func, pc, other, info)
    if what == "start" then
      start = location(func, pc) .. (other and "\tside" or "\troot")
    elseif what == "stop" then
      events[#events + 1] = ("stop\t%s\t%s"):format(start, require("jit.util").traceinfo(number).linktype)
    elseif what == "abort" then
      events[#events + 1] = ("abort\t%s\t%s\t%s"):format(start, location(func, pc), abort_text(other, info))
    end
  end
  jit.attach(on_trace, "trace")
  run()
  jit.attach(on_trace)
  return events
end

local function child(name, path, some)
  ffi.cdef [[ int open(const char *path, int flags, ...); int dup2(int from, int to); int dup(int fd); ]]
  local sockq = require "sockq"
  sockq.open(path)
  local run = cases(sockq, some)[name]()
  io.stdout:setvbuf("full", 65536)
  local saved = ffi.C.dup(1)
  ffi.C.dup2(ffi.C.open("/dev/null", 1), 1)
  local events = watch(run)
  io.stdout:flush()
  ffi.C.dup2(saved, 1)
  io.stdout:write(table.concat(events, "\n"), "\n")
end

if arg[1] == "--case" then
  child(arg[2], arg[3], tonumber(arg[4]))
  return
end

-- In the parent

local check = require "check"
local tree = require "tree_of"

if not pcall(require, "jit.vmdef") then check.skip("this luajit has no jit.vmdef") end
if not jit.status() then check.skip("this luajit has no compiler here") end

--- The rows of the captured tcp tables over and over, with other ports and inodes.
local function captured_like()
  local lines, header, listening = {}, nil, 0
  for _, name in ipairs { "mixed-1", "mixed-2", "centos7-seed" } do
    local first = true
    for line in io.lines("tests/data/captures/" .. name .. "/proc/net/tcp") do
      if first then header = line else lines[#lines + 1] = line end
      first = false
    end
  end
  local out = { header }
  for i = 1, ROWS do
    local row = lines[i % #lines + 1]:gsub(":%x%x%x%x ", (":%04X "):format(i % 65000 + 1), 1)
    if row:find("^ *%d+: %x+:%x+ %x+:%x+ 0A ") then listening = listening + 1 end
    out[i + 1] = row
  end
  return table.concat(out, "\n") .. "\n", listening
end

local text, listening = captured_like()
local TREE = tree.make {
  ["net/tcp"] = text, ["net/tcp6"] = text:match("^[^\n]*\n"),
  ["7/cmdline"] = "/usr/sbin/sshd\0", ["7/fd/3"] = { link = "socket:[36997]" },
}

--- The same rows with owners: every fourth inode is of two processes.
local function owned()
  local files, inodes, count = { ["net/tcp"] = text, ["net/tcp6"] = text:match("^[^\n]*\n") }, {}, 0
  for inode in text:gmatch("\n *%d+: %S+ %S+ %S+ %S+ %S+ %S+ +%d+ +%d+ (%d+)") do
    if not inodes[inode] and inode ~= "0" then
      inodes[inode], count = true, count + 1
      for pid = 7, count % 4 == 0 and 8 or 7 do
        files[("%d/fd/%d"):format(pid + 2 * (count % 5), count)] = { link = ("socket:[%s]"):format(inode) }
      end
    end
  end
  for pid = 7, 16 do
    files[pid .. "/cmdline"] = ("/usr/sbin/program%d\0"):format(pid)
    files[pid .. "/cgroup"] = ("0::/docker/%064x\n"):format(pid)
  end
  check.ok("many sockets have owners", count > 20, tostring(count))
  return tree.make(files)
end

local OWNED = owned()

local function is_harmless(event)
  for _, piece in ipairs(HARMLESS) do
    if event:find(piece) then return true end
  end
  return false
end

--- What went wrong in one run, as a set; whether the loop became a compiled one.
local function look(name)
  local status, out, err = posix.run({ "luajit", "tests/lua/jit_test.lua", "--case", name,
    name:find("^group") and OWNED or TREE, tostring(listening) },
    { timeout = 60 })
  check.equal(name .. ": status", status .. err, "0")
  local wrong, walked = {}, false
  for event in out:gmatch("[^\n]+") do
    if event:find("^abort") and not is_harmless(event) then
      wrong[event:gsub("^abort\t[^\t]*\t[^\t]*\t", "abort\t")] = true
    elseif event:find("\tstitch$") then
      wrong[event] = true
    elseif event:find("^stop\t" .. (LOOPS[name] or "walk") .. ":%d+\troot\tloop$") then
      walked = true
    end
  end
  return wrong, walked
end

local names = {}
for name in pairs(cases({ tcp = true }, 0)) do names[#names + 1] = name end
table.sort(names)

for _, name in ipairs(names) do
  local always, walked
  for _ = 1, RUNS do
    local wrong, loop = look(name)
    walked = walked or loop
    always = always or wrong
    for event in pairs(always) do
      if not wrong[event] then always[event] = nil end
    end
    if not next(always) and walked then break end
  end
  local list = {}
  for event in pairs(always) do list[#list + 1] = event end
  check.equal(name .. ": nothing is left to the interpreter", table.concat(list, "\n"), "")
  check.ok(name .. ": the walk over the " .. (LOOPS[name] and "columns" or "rows") .. " is one compiled loop", walked)
end

posix.cleanup()
check.finish()
