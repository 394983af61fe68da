--- What can be reached in the sandbox of Lua: all of it is walked, and programs made by chance poke at it.
--
--   luajit tests/cli/sandbox_walk_test.lua --sockq PATH [--seed N]        from the root of the tree
--
-- The walk is run from outside: a trusted script makes the globals of a sandbox, and follows from them
-- what a script in there could follow, keys, values, metatables that are not hidden, and what calls give.
-- Nothing that it meets may be a function that the sandbox does not give, a table of the engine's, or
-- cdata that is a pointer, reference or struct.
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"

local TREE = posix.realpath("tests/data/captures/mixed-1/proc")
local seed = 1
for i, word in ipairs(arg) do seed = word == "--seed" and tonumber(arg[i + 1]) or seed end

local COMMON = [=[
local sandbox = require("sockq.sandbox")
sandbox.is_on = true
local engine = _G
local real = { type = type, next = next, getmetatable = getmetatable, tostring = tostring, pcall = pcall, select = select }
local globals = sandbox.globals()
globals.sockq = sandbox.module()
globals.arg = { [0] = "-e" }

-- What must not be met, by what it is called.
local forbidden = {}
local function forbid(library, name, except)
  for key, value in pairs(library) do
    if (type(value) == "function" or type(value) == "table" or type(value) == "userdata") and not (except and except[key]) then
      forbidden[value] = name .. "." .. tostring(key)
    end
  end
end
for name, value in pairs(engine) do
  local given = globals[name]
  if type(value) == "table" and value ~= engine then
    forbidden[value] = "the engine's " .. name
    local except = {}
    for key, one in pairs(value) do except[key] = type(given) == "table" and rawequal(given[key], one) or nil end
    forbid(value, name, except)
  elseif type(value) == "function" and not rawequal(value, given) then
    forbidden[value] = name
  end
end
-- Given as they are, and nothing else of their kind: this list is what the manual says.
local GIVEN = {}
for words in ("string: byte char find format gmatch gsub len lower match rep reverse sub upper gfind; table: concat foreach "
  .. "foreachi getn maxn move remove sort; coroutine: create isyieldable resume running status wrap yield; os: clock date "
  .. "difftime time; io: flush read type write; debug: traceback"):gmatch("[^;]+") do
  local library, names = words:match("(%l+): (.*)")
  for name in names:gmatch("%S+") do GIVEN[library .. "." .. name] = true end
end
for _, library in ipairs { "string", "table", "coroutine", "os", "io", "debug", "jit", "package" } do
  for key, value in pairs(engine[library]) do
    if not GIVEN[library .. "." .. key] and type(value) ~= "string" and type(value) ~= "number" then
      forbidden[value] = library .. "." .. key
    end
  end
end
for _, name in ipairs { "load", "loadstring", "loadfile", "dofile", "getfenv", "setfenv", "module", "newproxy", "require",
  "gcinfo", "collectgarbage" } do
  forbidden[engine[name]] = name
end
forbid(require("ffi"), "ffi") forbid(require("sockq.core"), "sockq.core") forbid(require("jit.util"), "jit.util")
for name, module in pairs(package.loaded) do
  if type(module) == "table" and name ~= "_G" then forbidden[module] = "the module " .. name end
end
local fields, chain = require("sockq.fields"), require("sockq.chain")
forbidden[fields.list], forbidden[fields.by_name], forbidden[fields.getters] = "fields.list", "fields.by_name", "fields.getters"
forbidden[chain.metatable] = "the metatable of queries"
for name, value in pairs(chain.metatable) do if type(value) == "function" then forbidden[value] = "chain." .. name end end
for _, entry in ipairs(fields.list) do
  forbidden[entry], forbidden[entry.get] = "the entry " .. entry.name, "get of " .. entry.name
end
forbidden[debug.getregistry()], forbidden[engine] = "the registry", "_G"
forbidden[require("sockq.set").messages] = "set.messages"
for _, value in ipairs { "", sockq and 1 or 1, print } do
  local metatable = debug.getmetatable(value)
  if metatable then forbidden[metatable] = "a metatable of " .. type(value) forbidden[metatable.__index] = "its __index" end
end
forbidden[debug.getmetatable(io.stdout)] = "the metatable of files"
forbidden[io.stdout], forbidden[io.stdin], forbidden[io.stderr] = "io.stdout", "io.stdin", "io.stderr"

local met, count = {}, 0
local function complain(path, what)
  io.stderr:write("MET ", path, ": ", what, "\n")
end
local NUMBERS = { ["ctype<uint64_t>"] = true, ["ctype<int64_t>"] = true, ["ctype<complex>"] = true }
local function look(value, path)
  local kind = real.type(value)
  if value == nil or kind == "number" or kind == "boolean" then return end
  if forbidden[value] then complain(path, forbidden[value]) end
  if kind == "cdata" and not NUMBERS[real.tostring(require("ffi").typeof(value))] then
    complain(path, "cdata " .. real.tostring(value))
  end
  if kind == "userdata" and real.getmetatable(value) ~= "sockq.row" then complain(path, "userdata " .. real.tostring(value)) end
end
]=]

local function run(name, script, words)
  local argv = { "--trust", "--proc", TREE, unpack(words or {}) }
  argv[#argv + 1], argv[#argv + 2] = "-e", COMMON:gsub("\n", " \n") .. script
  local status, out, err = program.run(argv, { timeout = 120 })
  local met = {}
  for line in err:gmatch("MET ([^\n]*)") do met[#met + 1] = line end
  check.equal(name .. ": nothing that is forbidden is met", table.concat(met, "\n"), "")
  check.equal(name .. ": status", status, 0)
  if status ~= 0 then check.equal(name .. ": message", err:sub(1, 1000), "") end
  return out
end

local WALK = [[
local function walk(value, path)
  local kind = real.type(value)
  look(value, path)
  if met[value] or kind ~= "table" and kind ~= "function" and kind ~= "userdata" and kind ~= "string" then return end
  met[value], count = true, count + 1
  local metatable = real.getmetatable(value)
  if real.type(metatable) == "table" then walk(metatable, path .. "'s metatable") end
  if kind == "table" then
    for key, one in real.next, value do
      walk(key, path .. "'s key")
      walk(one, path .. "." .. real.tostring(key))
    end
  end
end
]]

-- What a script has in its hands after this and that.
local SAMPLES = [=[
local samples = load([[
  local samples = {}
  local function keep(...)
    for i = 1, select("#", ...) do samples[#samples + 1] = (select(i, ...)) end
  end
  local q = sockq.tcp()
  keep(q, q:where("LISTEN"), q:group("state"), q:schema(), q:list(), q:first(), q:count(), q:rows())
  keep(q:join(sockq.udp(), "inode"), q:join(sockq.udp(), "local_port"):list())
  keep(q:group("state, program"):list(), q:distinct("state"):list())
  for name, value in q:needs({ "pid", "program", "owners" }):first():fields() do keep(name, value) end
  for _, s in ipairs(sockq.all():list()) do for _, value in s:fields() do keep(value) end keep(s:peer()) break end
  local s = q:first()
  keep(s.keep, s.raw, s.peer, s.fields, s:raw("inode"), tostring(s))
  for _, row in ipairs({ q:group("state"):first(), q:join(sockq.tcp(), "inode"):first(), q:select("x=recv_q + 1"):first() }) do
    keep(row, row.keep, row.fields)
  end
  q:each(function(...) keep(...) return true end)
  q:where(function(...) keep(...) return true end):sort(function(...) keep(...) return 1 end):limit(3):list()
  sockq.field({ name = "mine", type = "number", get = function(...) keep(...) return 1 end })
  q:where("mine == 1"):limit(1):print()
  q:limit(1):print({ columns = { { title = "x", get = function(...) keep(...) return 1 end } } })
  keep(sockq.facts(), sockq.facts().snmp, sockq.facts().snmp.Tcp, sockq.facts().sysctl, sockq.facts().ports)
  keep(sockq.fields, sockq.messages, sockq.data, sockq.version)
  for _, f in pairs(sockq) do keep(pcall(f)) keep(pcall(f, {})) keep(pcall(f, "x")) keep(pcall(f, q)) end
  for _, name in ipairs({ "where", "group", "agg", "sort", "select", "distinct", "join", "needs", "limit", "print" }) do
    keep(pcall(q[name], q, "nosuch", "x")) keep(pcall(q[name], {})) keep(q[name])
  end
  keep(pcall(function() return q.nosuch end)) keep(pcall(function() return s.nosuch end)) keep(pcall(function() q.x = 1 end))
  keep(xpcall(function() return q:where("nosuch"):list() end, function(...) keep(...) return ... end))
  keep(coroutine.create(print), coroutine.running()) keep(debug.traceback("x"))
  for name, library in pairs(_G) do
    if type(library) == "table" and library ~= _G and library ~= samples then
      for _, f in pairs(library) do if type(f) == "function" and f ~= os.exit and f ~= io.read and f ~= coroutine.yield then
        keep(pcall(f)) end end
    end
  end
  for _, f in ipairs({ require, load, loadstring }) do for _, name in ipairs({ "sockq", "string", "os", "io", "sockq.giveup",
    "sockq.ephemeral", "sockq.services", "sockq.state", "sockq.escape", "sockq.hint", "sockq.value" }) do
    keep(pcall(f, name)) end end
  keep(load("return _G, ...")("x"))
  return samples
]], "=-e", "t", globals)()
walk(globals, "_G") walk(samples, "samples") walk("", "a string")
print("things", count)
]=]

local things = tonumber((run("the walk", WALK .. SAMPLES):match("things\t(%d+)")))
check.ok("the walk: it went somewhere", things and things > 1000, things)

-- Another walk, of what a report and a format of the user's get.
local DIR = posix.tmpdir("sockq-walk")
check.at_end(posix.cleanup)
posix.mkdirs(DIR .. "/reports")
posix.mkdirs(DIR .. "/formats")
posix.mkdirs(DIR .. "/views")
posix.write_file(DIR .. "/reports/given.lua", [[return { help = "what is given?", run = function(...)
  sockq.field({ name = "given", type = "number", get = function() return 1 end })
  local seen = { ... }
  local args, report = ...
  seen[#seen + 1] = report:query("tcp") seen[#seen + 1] = report.query seen[#seen + 1] = { pcall(report.rows, report, 1) }
  report:rows({ rows = report:query("tcp"):limit(1) }) report:text("x") report:next("sockq LISTEN", "why")
  _G.hand(seen) end }]])
posix.write_file(DIR .. "/formats/given.lua", [[return { doc = "what is given?", open = function(...)
  _G.hand({ ... }) return { row = function(...) _G.hand({ ... }) end, finish = function(...) _G.hand({ ... }) end } end }]])
posix.write_file(DIR .. "/views/given.lua", [[return { doc = "what is given?", run = function(...)
  _G.hand({ ... }) return 0 end }]])
local PLUGINS = [=[
-- The sandbox gives each plug-in globals of its own: here they hand over what they got.
local given = {}
local new = sandbox.globals
sandbox.globals = function() local all = new() all.hand = function(seen) given[#given + 1] = seen end return all end
local plugin = require("sockq.plugin")
require("sockq.report").run("given", {}, {})
require("sockq.view").run("given", { "x" }, nil, function(rows) return rows end)
require("sockq").tcp():limit(2):print({ format = "given" })
for i, seen in ipairs(given) do seen.hand = nil walk(seen, "plug-in " .. i) end
print("given", #given)
]=]
local given = run("what plug-ins get", WALK .. PLUGINS, { "--path", DIR }):match("given\t(%d+)")
check.equal("what plug-ins get: all were run", given, "6")

-- Programs made by chance: a value that is at hand, an operation, values that come of it.
local POKE = ([=[
math.randomseed(%d)
local random = math.random
local pool = { globals, globals.sockq, globals.sockq.tcp(), globals.sockq.tcp():first(),
  globals.sockq.tcp():group("state"):first(),
  globals.sockq.facts(), "LISTEN", "state", "inode", 1, 0, -1, 7.5, true, {}, function() return 1 end, 5ULL, globals.sockq.rows,
  globals.sockq.unix():first(), globals.io.stdout, globals.string, globals.coroutine.create(function() end) }
local KEYS = { "where", "group", "list", "first", "count", "rows", "keep", "fields", "schema", "join", "sort", "select", "limit",
  "tcp", "udp", "unix", "inode", "state", "owners", "peer", "string", "table", "io", "os", "debug", "require", "load", "pcall",
  "getmetatable", "setmetatable", "rawget", "rawset", "__index", "__metatable", "coroutine", "wrap", "create", "resume", "_G",
  "stdout", "write", "format", "gsub", "rep", 1, 2, "messages", "data", "by_name", "get", "name", "snmp", "ports" }
local quiet = function() end
globals.print, globals.io.write, globals.os.exit, globals.io.read, globals.io.lines = quiet, quiet, quiet, quiet, quiet
globals.error, globals.coroutine.yield, globals.io.stdout, globals.io.stderr, globals.io.stdin = quiet, quiet, nil, nil, nil
-- What a function gives without end would be read without end.
globals.load = quiet
local function any() return pool[random(#pool)] end
local function take(path, ok, ...)
  if not ok then look((...), path .. " (error)") return end
  for i = 1, math.min(real.select("#", ...), 5) do
    local value = (real.select(i, ...))
    look(value, path)
    local kind = real.type(value)
    if value ~= nil and kind ~= "number" and (kind ~= "string" or #value < 200) then
      pool[#pool < 400 and #pool + 1 or random(22, 400)] = value
    end
  end
end
local inner = real.getmetatable("")
local function index(t, k) return t[k] end
local function set(t, k, v) t[k] = v end
local calls = 0
for i = 1, %d do
  local value, path = any(), "poke " .. i
  local what = random(10)
  if what <= 4 then
    take(path, pcall(index, value, KEYS[random(#KEYS)]))
  elseif what <= 9 and real.type(value) == "function" then
    local n = random(0, 3)
    calls = calls + 1
    take(path, pcall(value, unpack({ any(), any(), any() }, 1, n)))
  elseif what <= 9 then
    local method = KEYS[random(#KEYS)]
    take(path, pcall(function() return value[method](value, any(), any()) end))
  elseif real.type(value) ~= "table" or not forbidden[value] then
    pcall(set, value, KEYS[random(#KEYS)], any())
    pool[2] = sandbox.module() pool[6] = globals
  end
end
io.stdout:write("calls ", calls, "\n")
require("sockq.core")
-- The engine is as it was.
assert(#fields.list == #require("sockq").fields and require("sockq").tcp():where("LISTEN"):count() == 6)
assert(("%%d"):format(3) == "3" and string.format("%%d", 3) == "3" and require("sockq").tcp():group("state"):count() ~= nil)
]=]):format(seed, program.sanitized and 10000 or 40000)
local out = run("programs made by chance, seed " .. seed, POKE, { "--timeout", "100", "--max-memory", "1G" })
local calls = tonumber(out:match("calls (%d+)"))
check.ok("programs made by chance: they called something", calls and calls > 300, calls)
io.stderr:write(("%s things were walked, %s calls were made by chance\n"):format(tostring(things), tostring(calls)))

check.finish()
