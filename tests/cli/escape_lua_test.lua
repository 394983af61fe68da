--- Escapes from the sandbox of Lua: each is tried by name, and must fail without harm.
--
--   luajit tests/cli/escape_lua_test.lua --sockq PATH        from the root of the tree
--
-- This is the wall that Lua itself is; the locks of the process, which hold behind it, have a test of
-- their own. An attempt is a script that calls got(WHAT) if it has got hold of something. It may end with
-- an error; it must not get anything, crash, or touch the file that is there to be touched.
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"

local DIR = posix.tmpdir("sockq-escape")
local TREE = posix.realpath("tests/data/captures/mixed-1/proc")
posix.chmod(DIR, tonumber("777", 8))
local BAIT, SECRET = DIR .. "/written", DIR .. "/secret"
posix.write_file(SECRET, "the secret of this file\n")
posix.chmod(SECRET, tonumber("644", 8))

-- What attempts have at hand.
local HEAD = ([[
local BAIT, SECRET = %q, %q
local function got(what) io.stdout:write("GOT ", tostring(what), "\n") end
local function call(f, ...) local ok, a, b = pcall(f, ...) if ok then return a, b end end
local function forbidden(f) return f ~= nil and type(f) ~= "table" and pcall(f, BAIT, "w") and f end
]]):format(BAIT, SECRET):gsub("\n", " ")

local names, count = {}, 0

--- One escape.
---@param name string
---@param script string
---@param opts? { words: string[], want: string|string[], status: integer }  want: what the message must say
local function escape(name, script, opts)
  opts = opts or {}
  assert(not names[name], name .. ": this name is used twice")
  names[name], count = true, count + 1
  local words = { "--sandbox", "--proc", TREE }
  for _, word in ipairs(opts.words or {}) do words[#words + 1] = word end
  words[#words + 1], words[#words + 2] = "-e", HEAD .. script
  local status, out, err = program.run(words, { stdin = "typed\n", timeout = 30 })
  check.ok("escape, " .. name .. ": nothing is got", not out:find("GOT"), out:sub(1, 500))
  check.ok("escape, " .. name .. ": no secret", not (out .. err):find("the secret of this file", 1, true), out:sub(1, 200))
  check.ok("escape, " .. name .. ": it was tried", not err:find("^sockq: %-e:%d+: [^\n]* near '"), err:sub(1, 500))
  check.ok("escape, " .. name .. ": it ends as a script does", status == 0 or status == 2, status .. err:sub(1, 500))
  check.ok("escape, " .. name .. ": nothing is written", not posix.read_file(BAIT))
  if opts.status then check.equal("escape, " .. name .. ": status", status, opts.status) end
  for _, piece in ipairs(type(opts.want) == "string" and { opts.want } or opts.want or {}) do
    check.contains("escape, " .. name, out .. err, piece)
  end
end

-- Plug-ins that spy.
posix.mkdirs(DIR .. "/plug/timers")
posix.mkdirs(DIR .. "/plug/formats")
posix.write_file(DIR .. "/plug/formats/spy.lua", [[
local function look(value, path)
  if type(value) == "function" and not path:find("get$") and path ~= "write" then print("GOT", path) end
  if type(value) == "userdata" or type(value) == "cdata" then print("GOT", path) end
  if type(value) == "table" then
    if getmetatable(value) ~= nil then print("GOT", path) end
    for key, one in pairs(value) do look(one, path .. "." .. tostring(key)) end
  end
end
return { doc = "looks at what it gets", layout = "fields", open = function(columns, options, write)
  look(columns, "columns") look(options, "options")
  for _, column in ipairs(columns) do print(column.name) column.get, column.name = nil, "EVIL" end
  return { row = function() end, finish = function() end }
end }
]])
posix.write_file(DIR .. "/plug/timers/human.lua", 'return { doc = "mine", format = function() return "mine" end }\n')
posix.write_file(DIR .. "/plug/timers/apart.lua", [[
leaked = "by the plug-in"
return { doc = "apart", format = function()
  return tostring(_G.shared) .. " " .. tostring(string.format ~= nil and table.concat ~= nil)
end }
]])

-- Files and processes by Lua's own functions; each refusal says why and names the way out.

local function refused(name, script, what)
  escape(name, script, { status = 2, want = { what, "--trust" } })
end
refused("io.open", "got(io.open(SECRET))", "io.open: no files in the sandbox; bring one in by --data NAME=FILE")
refused("io.open to write", "got(io.open(BAIT, 'w'))", "io.open: no files")
refused("io.lines of a file", "for line in io.lines(SECRET) do got(line) end", "io.lines: no files")
refused("io.input", "io.input(SECRET) got(io.read('*a'))", "io.input: no files")
refused("io.output", "io.output(BAIT) io.write('x')", "io.output: no files")
refused("io.tmpfile", "got(io.tmpfile())", "io.tmpfile: no files")
refused("io.popen", "got(io.popen('id'):read())", "io.popen: no processes in the sandbox")
refused("io.close", "io.close()", "io.close: no files")
refused("os.execute", "got(os.execute('touch ' .. BAIT))", "os.execute: no processes")
refused("os.remove", "got(os.remove(SECRET))", "os.remove: no files")
refused("os.rename", "got(os.rename(SECRET, BAIT))", "os.rename: no files")
refused("os.tmpname", "got(os.tmpname())", "os.tmpname: no files")
refused("os.getenv", "got(os.getenv('PATH'))", "os.getenv: no environment in the sandbox; give its value as an argument")
refused("os.setlocale", "got(os.setlocale('C'))", "os.setlocale: the locale is fixed")
refused("dofile", "got(dofile(SECRET))", "dofile: no files")
refused("loadfile", "got(loadfile(SECRET))", "loadfile: no files")
refused("require of a file beside", "got(require('neighbour'))", "require: no module neighbour in the sandbox")
refused("require of the FFI", "got(require('ffi').C)", "require: no module ffi")
refused("require of jit.util", "got(require('jit.util'))", "require: no module jit.util")
refused("require of the core", "got(require('sockq.core'))", "require: no module sockq.core")
refused("require of a module below", "got(require('sockq.row'))", "require: no module sockq.row")
refused("require of LPeg", "got(require('lpeg'))", "require: no module lpeg")
refused("require of lua-cjson", "got(require('cjson'))", "require: no module cjson")
refused("require of string.buffer", "got(require('string.buffer'))", "require: no module string.buffer")
refused("require of table.new", "got(require('table.new'))", "require: no module table.new")
refused("the global jit", "jit.off()", "there is no global jit: no access to the inside of Lua")
refused("the global package", "got(package.loaded)", "there is no global package: no files")
refused("the global ffi", "got(ffi)", "there is no global ffi: no access")
refused("getfenv", "got(getfenv(1))", "getfenv: no access to the inside of Lua")
refused("setfenv", "setfenv(1, {}) got('an environment')", "setfenv: no access")
refused("module", "module('x') got('a module')", "module: no access")
refused("package.seeall", "package.seeall({}) got('a module')", "there is no global package")
refused("newproxy and its finalizer", "getmetatable(newproxy(true)).__gc = function() got('a finalizer') end",
    "newproxy: no access")
refused("gcinfo", "got(gcinfo())", "gcinfo: no access")
refused("string.dump", "got(string.dump(function() end))", "string.dump: no bytecode")
refused("collectgarbage stop", "got(collectgarbage('stop'))", "collectgarbage: only \"count\" and \"collect\" in the sandbox")
for _, name in ipairs { "getinfo", "getlocal", "setlocal", "getupvalue", "setupvalue", "upvalueid", "upvaluejoin", "getregistry",
  "getmetatable", "setmetatable", "getfenv", "setfenv", "sethook", "gethook", "debug", "getuservalue" } do
  escape("debug." .. name, ("local f = debug[%q] if f then got(f(1) or f(print, 1) or f({})) end"):format(name), {
    status = name ~=
    "getuservalue" and 2 or nil })
end

-- Bytecode

-- Real bytecode, of a Lua without the sandbox.
local dumped = select(2, program.run { "--trust", "-e",
  "io.write((string.dump(function() return 1 end):gsub('.', function(c) return ('%02x'):format(c:byte()) end)))" })
check.ok("there is bytecode to try", select(2, program.run { "--trust", "-e", ("io.write(load(('%s'):gsub('%%x%%x', "
  .. "function(x) return string.char(tonumber(x, 16)) end), 'x', 'b')())"):format(dumped) }) == "1", dumped)
local BYTECODE = ("((%q):gsub('%%x%%x', function(x) return string.char(tonumber(x, 16)) end))"):format(dumped)
escape("bytecode by load", ("local f, err = load(%s) if f then got(f) else print(err) end"):format(BYTECODE),
  { want = "attempt to load chunk with wrong mode" })
escape("bytecode by load with mode b", ("local f = load(%s, 'x', 'b') if f then got(f) end"):format(BYTECODE))
escape("bytecode by load with mode bt", ("local f = load(%s, 'x', 'bt') if f then got(f) end"):format(BYTECODE))
escape("bytecode by loadstring", ("local f = loadstring(%s) if f then got(f) end"):format(BYTECODE))
escape("bytecode by a reader",
  ("local n = 0 local f = load(function() n = n + 1 return n == 1 and %s or nil end) if f then got(f) end")
  :format(BYTECODE))
escape("bytecode of a method of strings", "local f = ('').dump if f then got(f) end")
escape("an own environment for load", "local f = load('return io, os, debug, require', 'x', 't', {}) if f() then got(f()) end")
escape("the globals of a loaded chunk",
  "local g = load('return _G')() if g ~= _G then got(g) end if forbidden(g.io.open) then got('io.open') end",
  {})
escape("globals of a chunk that is loaded in a loaded chunk",
  "local f = load('return load(\"return io.open\")()')() if forbidden(f) then got(f) end")

-- Metatables

escape("the metatable of strings", "local m = getmetatable('') if type(m) == 'table' then got(m) end", {})
escape("setmetatable of a string", "if pcall(setmetatable, '', {}) then got('strings') end")
escape("a method of strings that is replaced", [[string.format = function() return 'EVIL' end string.upper = nil
  if ('%d'):format(1) ~= '1' then got('format') end sockq.tcp():group('state'):print()]], { want = "ESTABLISHED", status = 0 })
for name, value in pairs { row = "sockq.tcp():first()", query = "sockq.tcp()", record = "sockq.tcp():group('state'):first()",
  module = "sockq", ["a function"] = "print", ["the streams"] = "io.stdout", facts = "sockq.facts()", data = "sockq.data",
  ["counters"] = "sockq.facts().snmp", ["counters that are absent"] = "sockq.facts().snmp.Tcp",
  ["an error of a query"] = "select(2, pcall(sockq.args, { { name = 'x', type = 'port' } }))" } do
  escape("the metatable of " .. name, ("local m = getmetatable(%s) if type(m) == 'table' then got(m) end"):format(value))
  escape("a metatable for " .. name, ("if pcall(setmetatable, %s, { __index = got }) and %q ~= 'a function' then "
    .. "got('set') end"):format(
    value, name))
end
escape("the environment through a function's _G",
  "if _G.string ~= string or _G._G ~= _G then got('another _G') end if _G.jit or _G.package "
  .. "or _G.ffi then got('jit') end")
escape("__gc of a table", "setmetatable({}, { __gc = function() got('a finalizer') end }) collectgarbage() collectgarbage()")
escape("__metatable that plays a row",
  [[local fake = setmetatable({}, { __metatable = 'sockq.row', __index = function() return 7 end })
  for _, f in ipairs { sockq.rows, sockq.escape } do pcall(f, { fake }) end
  local r = sockq.tcp():first() pcall(r.keep, fake) pcall(r.raw, fake, 'inode') pcall(r.peer, fake) pcall(r.fields, fake)
  pcall(function() return sockq.rows({ fake }):where('within(local_addr, "10.0.0.0/8")'):count() end)]])
escape("__metatable that plays a query", [[local fake = setmetatable({}, { __metatable = 'sockq.query', __index = sockq.tcp() })
  for _, name in ipairs { 'count', 'list', 'rows', 'where', 'keep' } do local ok, v = pcall(function() return
    fake[name](fake) end)
  if ok then got(v) end end]])

-- Rows

escape("text for a row", [[local r = sockq.tcp():first() local text = ('A'):rep(64)
  for _, name in ipairs { 'keep', 'raw', 'peer', 'fields' } do if pcall(r[name], text, 'inode') then got(name) end end
  if pcall(sockq.rows, { r, text }) then got('a row') end]])
escape("a number for a row", [[local r = sockq.tcp():first()
  for _, name in ipairs { 'keep', 'raw', 'peer', 'fields' } do if pcall(r[name], 0x414141, 'inode') then got(name) end end
  if pcall(sockq.rows, { r, 0x414141 }) or pcall(sockq.rows, { r, 0x414141ULL }) then got('a row') end]])
escape("a list that changes behind a query's back", [[local list = sockq.tcp():list() local q = sockq.rows(list)
  for i = 1, #list do list[i] = ('A'):rep(64) end local n = q:sort('-inode'):where('recv_q >= 0'):count() print(n > 0)]],
  { status = 0, want = "true" })
escape("a userdata that is no row", "local r = sockq.tcp():first() local thing = coroutine.create(print) "
  .. "for _, one in ipairs { thing, 1ULL, io.stdout } do if pcall(r.keep, one) then got('a row') end end", { status = 0 })
escape("writing a row", "local r = sockq.tcp():first() if pcall(function() r.inode = 1 end) then got('written') end")
escape("rawset of a row", "local r = sockq.tcp():first() if pcall(rawset, r, 'inode', 1) then got('written') end")
escape("rawget of a row", "local r = sockq.tcp():first() if pcall(rawget, r, 'inode') then got('read') end")
escape("a cursor that was kept", [[local kept sockq.tcp():each(function(r) kept = r end)
  if pcall(function() return kept.inode end) then got('a row') end if pcall(kept.keep, kept) then got('a row') end]])
escape("a cursor of a walk that failed", [[local kept pcall(function() sockq.tcp():each(function(r) kept = r error('x') end) end)
  if pcall(function() return kept.inode end) then got('a row') end]])
local AND_READ = [[ for i = 1, 3 do sockq.unix():list() end
  if kept == nil or pcall(function() return kept.local_addr, kept.path end) then got('a row') end]]
escape("a cursor of a walk that failed behind a sort", [[local kept pcall(function() sockq.tcp():sort('inode'):each(function(r)
  kept = r error('x') end) end)]] .. AND_READ, { status = 0 })
escape("a cursor of a predicate that failed behind a sort", [[local kept pcall(function()
  return sockq.tcp():sort('inode'):where(function(r) kept = r error('x') end):list() end)]] .. AND_READ, { status = 0 })
escape("a cursor of a column that failed behind a sort", [[local kept pcall(function() sockq.tcp():sort('inode'):print {
  columns = { { title = 'x', get = function(r) kept = r error('x') end } } } end)]] .. AND_READ, { status = 0 })
escape("a number that is yielded as a row", [[local q = sockq.tcp():sort(function(r) coroutine.yield(5) return 1 end)
  for _, name in ipairs { 'list', 'keep' } do if pcall(q[name], q) then got(name) end end
  for _, kind in ipairs { 'where', 'sort', 'group', 'distinct' } do
  local ok, rows = pcall(function() return sockq.tcp()[kind](sockq.tcp(), function() coroutine.yield(('A'):rep(64))
    return 1 end):sort('state'):list() end) if ok then got(kind) end end print(pcall(q.list, q))]],
  { status = 0, want = "called coroutine.yield" })
escape("a cursor of a walk that is suspended", [[local kept local walk = coroutine.wrap(function() sockq.tcp():each(function(r)
  kept = r coroutine.yield() end) end) walk() local a = kept.inode walk = nil collectgarbage() collectgarbage()
  for i = 1, 50 do sockq.tcp():list() end collectgarbage() pcall(function() return kept.inode, kept:keep(),
    tostring(kept) end)]])
escape("a row behind many readings", [[local rows = {} for i = 1, 100 do rows[i] = sockq.tcp():first() end collectgarbage()
  collectgarbage() for i = 1, 100 do assert(rows[i].inode == rows[1].inode) end]], { status = 0 })
escape("a pair whose sides are replaced", [[for p in sockq.tcp():join(sockq.tcp(), 'inode'):rows() do rawset(p, 1, ('A'):rep(64))
  rawset(p, 2, 7) pcall(function() return p.state, p.inode, tostring(p) end) for _ in pcall(p.fields, p) and
    p:fields() do break end end]])
escape("a record that is changed in a predicate", [[sockq.tcp():group('state'):where(function(r) rawset(r, 'count', {})
  rawset(r, 1, 'A') return true end):sort('state'):print()]])

-- What the engine gives

escape("the engine's registry by sockq.fields", [[sockq.fields[1].name = 'EVIL' sockq.fields[1].get = got
  for i, f in ipairs(sockq.fields) do if f.name == 'EVIL' or f.get then got(f.name) end
  for k, v in pairs(f) do if type(v) == 'function' then got(k) end end end sockq.tcp():limit(1):print()]], { status = 0 })
escape("the engine's registry by schema()", [[local s = sockq.tcp():schema() for k, v in pairs(s) do
  if type(v) == 'function' then got(k) end end s.by_name.inode.name = 'EVIL' s.list[1] = nil
  sockq.tcp():limit(1):select('inode'):print()]], { status = 0, want = "inode" })
escape("members of a query",
  [[local q = sockq.tcp():where('LISTEN') for _, k in ipairs { 'test', 'stages', 'tables', 'source', 'shape',
  'flags', 'named', 'states', 'try_where', '__index' } do if pcall(function() return q[k] end) then got(k) end end
  if next(q) ~= nil then got('a member') end]])
escape("writing into a query",
  "local q = sockq.tcp() if pcall(function() q.count = got end) then got('written') end rawset(q, 'count', got) "
  .. "print(sockq.tcp():count())", { status = 0 })
escape("messages of the engine", [[sockq.messages[1] = 'EVIL' if #sockq.messages ~= 0 then got(sockq.messages[1]) end]])
escape("functions of sockq that are replaced", [[local tcp = sockq.tcp sockq.tcp = function() got('called') end sockq.rows = nil
  print(tcp():where('LISTEN'):count())]], { status = 0 })
escape("columns that are handed to a format", "sockq.tcp():limit(1):print { format = 'spy' }",
  { words = { "--path", DIR .. "/plug" }, want = "inode", status = 0 })
escape("a timer of the user's in the place of a built-in one", "sockq.tcp():limit(1):print { timer = 'human' }",
  { words = { "--path", DIR .. "/plug" }, want = "mine", status = 0 })
escape("globals of a plug-in", [[shared = 'of the script' string.format = nil table.concat = nil
  sockq.tcp():limit(1):print { timer = 'apart' } print(_G.leaked)]],
  { words = { "--path", DIR .. "/plug" }, want = { "nil true", "nil" }, status = 0 })
escape("a predicate that ends the engine's walk by another error", [[local e = setmetatable({}, { __tostring = function()
  got('never') error('again') end }) pcall(function() sockq.tcp():each(function() error(e) end) end) print('here')]],
  { want = "here", status = 0 })
escape("an error object with a hostile text", "error(setmetatable({}, { __tostring = function() error('again') end }))",
  { status = 2, want = "a script raised a table as its error" })
escape("an error object whose text is none", "error(setmetatable({}, { __tostring = function() return {} end }))",
  { status = 2, want = "a script raised a table as its error" })
escape("the engine's coroutine", [[local thread for row in sockq.tcp():sort('inode'):limit(3):rows() do local _ = row end
  local q = sockq.tcp():where(function() thread = thread or coroutine.running() return true end):limit(3)
  for row in q:rows() do if thread then local ok, v = coroutine.resume(thread) if ok and v ~= nil and type(v) ~=
    'userdata' then got(type(v)) end end end]])
escape("yields across pcall, sort and gsub", [[local co = coroutine.wrap(function() pcall(coroutine.yield, 1)
  pcall(table.sort, { 3, 2, 1 }, function() coroutine.yield() end) pcall(string.gsub, 'x', '.', function() coroutine.yield() end)
  pcall(function() return sockq.tcp():sort(function() coroutine.yield() end):list() end) return 'end' end)
  for i = 1, 200 do local ok, v = pcall(co) if v == 'end' then break end end print('alive')]], { want = "alive", status = 0 })
escape("coroutines have the sandbox's globals", [[local g = coroutine.wrap(function() return load('return _G')() end)()
  if g ~= _G then got('another _G') end if coroutine.wrap(function() return _G.jit end)() then got('jit') end]])
escape("a comparison that has no order", [[local t = {} for i = 1, 1000 do t[i] = i % 7 end
  pcall(table.sort, t, function() return true end) print(#t)]], { want = "1000", status = 0 })
escape("a table that grows while it is sorted", [[local t = { 5, 4, 3, 2, 1 } pcall(table.sort, t, function(a, b) t[#t + 1] = 0
  t[1] = nil return (a or 0) < (b or 0) end) print('alive')]], { want = "alive", status = 0 })
escape("unpack of too much", "print(pcall(unpack, {}, 1, 1e8)) print(pcall(unpack, {}, -2^31, 2^31))",
  { want = "too many results to unpack" })
escape("table.insert far away", "print(pcall(table.insert, {}, -2^31, 1)) print(pcall(table.insert, {}, 2^31, 1))",
  { want = "position out of bounds", words = { "--timeout", "5" }, status = 0 })
escape("string.format with a huge width", "print(pcall(string.format, '%99999d', 1)) print(pcall(string.format, '%.99999f', 1))",
  { status = 0 })
escape("a replacement that is huge", "print(pcall(string.rep, 'x', 2^40))", { status = 0 })
escape("closing a standard stream", [[if pcall(io.stdout.close, io.stdout) then got('closed') end
  for _, k in ipairs { 'seek', 'setvbuf', 'close' } do if pcall(io.stderr[k], io.stderr) then got(k) end end print('alive')]],
  { want = "alive", status = 0 })
escape("io.read formats",
  "print(pcall(io.read, '*x')) print(io.read(0), io.read(3), io.read('*a'), io.read('*l'))", { status = 0 })
escape("members of the standard streams",
  "for _, s in ipairs { io.stdin, io.stdout, io.stderr } do if next(s) ~= nil then got(s) end end")
escape("os.exit with another status", "os.exit(4096)", { status = 2 })
escape("arg", "for i, word in pairs(arg) do if tostring(word):find('sandbox') then got(word) end end arg[0] = nil sockq.args {}",
  { status = 0 })
escape("a field that is computed with an engine's name",
  "if pcall(sockq.field, { name = 'inode', get = got, type = 'integer' }) then got('inode') end")
escape("a field whose name changes behind the check", [[for after = 0, 12 do local n = 0 pcall(sockq.field,
  setmetatable({ type = 'integer', get = function() return -7 end }, { __index = function(_, key) if key == 'name' then
  n = n + 1 return n <= after and 'harmless' or 'inode' end end })) if sockq.tcp():first().inode == -7 then got(after) end
  end]], { status = 0 })
escape("a list whose items change behind the check", [[for after = 0, 8 do local rows, n = sockq.tcp():limit(2):list(), 0
  local list = setmetatable({}, { __index = function(_, i) if i > 2 then return nil end n = n + 1
  return n <= after and rows[i] or 'A' end }) pcall(function() return #sockq.rows(list):sort('inode'):list() end) end
  print('alive')]], { status = 0, want = "alive" })
escape("options of a join that are not its own", [[local options = setmetatable({}, { __index = function() return 7 end })
  print(sockq.tcp():limit(2):join(sockq.tcp(), 'inode', options):count())
  if pcall(function() return sockq.tcp():join(sockq.tcp(), 'inode', 'left') end) then got('text') end]], { status = 0 })
for _, name in ipairs { "keep", "raw", "peer", "fields" } do
  escape("a field that takes the place of row:" .. name,
    ("print(pcall(sockq.field, { name = %q, type = 'number', get = function() return 5 end }))"):format(name),
    { status = 0, want = { "false", ("row:%s() is a method of rows"):format(name) } })
end
for name, script in pairs { ["a script"] = "error(%s)", ["a predicate"] = "sockq.tcp():where(function() error(%s) end):list()",
  ["a walk"] = "sockq.tcp():each(function() error(%s) end)",
  ["a walk behind a sort"] = "sockq.tcp():sort('inode'):each(function() error(%s) end)",
  ["a coroutine"] = "coroutine.wrap(function() error(%s) end)()" } do
  for _, raised in ipairs { "", "nil" } do
    escape(("error(%s) in %s"):format(raised, name), script:format(raised),
      { status = 2, want = "sockq: a script raised a nil as its error" })
  end
end
for name, change in pairs { problem = "{}", lines = "5", status = "'x'", message = "{}" } do
  escape("an error of the engine's whose " .. name .. " is another", ([[
    local ok, e = pcall(sockq.args, { { name = 'port', type = 'port', doc = 'd' } })
    if type(e) ~= 'table' then got(type(e)) end
    if pcall(function() e.%s = %s end) then got('written') end rawset(e, %q, %s) error(e)]]):gsub("\n%s+", " ")
    :format(name, change, name, change), { status = 2, want = { "port" } })
end
for script, want in pairs { ["sockq.escape(5)"] = "escape: a text is expected, not a number",
  ["sockq.rows({ { a = 1 } }, 'a')"] = "rows: the names are a list of fields, not a string" } do
  escape("a wrong argument: " .. script, script, { status = 2, want = "sockq: -e:1: " .. want })
end
escape("code in an expression",
  [[for _, text in ipairs { 'os.execute("id")', 'load("x")()', '(function() return 1 end)()', '_G', 'row.x',
  '"" .. {}', 'inode; os', 'match(path, "x")\nend os.exit(9)', '("x"):rep(9)', ']] .. "]].." .. [[' } do
  if pcall(function() return sockq.tcp():where(text):count() end) then got(text) end end]])
escape("a key that is no name",
  [[for _, name in ipairs { 'x = 1) os.exit(9) --', '"]] .. "]]" .. [["', 'end', '__index', 'a\nb' } do
  pcall(function() sockq.rows({ { [name] = 1 } }):sort({ { field = name } }):group({ { field = name } }):print() end) end]])
escape("brackets without end in an expression",
  "print(pcall(function() sockq.tcp():where(('('):rep(1e5) .. '1') end))", { status = 0 })
escape("a pattern without end in an expression",
  "print(pcall(function() return sockq.tcp():where('match(program, \"' .. ('.-'):rep(30) .. "
  .. "'b\")'):count() end))", { words = { "--timeout", "1" } })
escape("proxies for the engine's options", [[local proxy = setmetatable({}, { __index = function(_, k) return { k } end })
  for _, f in ipairs { sockq.rows, sockq.field, sockq.args, sockq.from } do pcall(f, proxy) end
  local q = sockq.tcp() for _, v in ipairs { 'group', 'agg', 'sort', 'select', 'distinct', 'needs', 'print', 'where',
    'limit' } do
  pcall(function() return q[v](q, proxy) end) pcall(function() return q[v](q, 1ULL) end) pcall(function() return q[v](q, 1i) end)
  pcall(function() return q[v](q, io.stdout) end) pcall(function() return q[v](q, q) end) end print('alive')]], {
    want = "alive" })
escape("64-bit numbers", [[local n = 0x41414141ULL for _, k in ipairs { 'C', 'cast', 're', 1, 'typeof' } do
  if pcall(function() return n[k] end) then got(k) end end local m = getmetatable(n) if type(m) == 'table' then got(m) end
  if pcall(function() n[0] = 1 end) then got('written') end]])
escape("values that a column gives",
  [[local r = sockq.tcp():first() for _, v in ipairs { r, 1ULL, 2i, io.stdout, print, {}, true,
  coroutine.create(print) } do for _, format in ipairs { 'table', 'json', 'ndjson', 'csv', 'tsv', 'lua', 'records',
    'prometheus', 'bars' } do
  pcall(function() sockq.tcp():limit(2):print { format = format, columns = { { title = 'x', get = function() return v
    end } } } end)
  end end io.stdout:write('alive')]], { want = "alive", status = 0 })
escape("print within a column", [[sockq.tcp():limit(3):print { columns = { { title = 'x', get = function(r)
  sockq.udp():limit(2):print() return sockq.tcp():count() end } } }]], { status = 0 })
escape("a report of another's making",
  [[local outside, name = setmetatable({}, { __metatable = 'sockq.report' }), 'mixed'
  for _, f in ipairs { sockq.rows, sockq.args, sockq.field, sockq.from, sockq.tcp().print } do pcall(f, outside) end
  if pcall(function() return outside:option('proc') end) then got(name) end print('alive')]], { want = "alive", status = 0 })
posix.mkdirs(DIR .. "/plug/reports")
posix.write_file(DIR .. "/plug/reports/spy.lua", [[
return { help = "looks at what it gets", run = function(_, report)
  local function got(what) print("GOT", what) end
  if type(report:option("proc")) ~= "string" then got(type(report:option("proc"))) end
  if pcall(report.option, { _given = {} }, "proc") then got("a report of its own") end
  if next(report) ~= nil or type(getmetatable(report)) == "table" then got("a member") end
  for _, name in ipairs { "_given", "_next", "_sections", "_path" } do
    if pcall(function() return report[name] end) then got(name) end
  end
  report:text("proc: " .. report:option("proc"))
end }
]])
do
  local status, out, err = program.run { "--sandbox", "--path", DIR .. "/plug", "--proc", TREE, "spy" }
  check.ok("a report that spies gets nothing", not out:find("GOT"), out)
  check.ok("a report that spies runs to its end", status < 2 and out:find("proc: " .. TREE, 1, true), out .. err)
end

-- Time, memory and the C stack

--- What must not go on: the message names file and line, and the status is that of a script's error.
local function ends(name, words, script, pieces)
  escape(name, script, { words = words, status = 2, want = pieces })
end
local QUICK, SMALL = { "--timeout", "0.4" }, { "--max-memory", "48M" }
local STOPPED = { "-e:1: stopped after 0.4 s", "--timeout" }
local FULL = { "sockq: -e:1: not enough memory", "--max-memory" }
local DEEP = { "sockq: -e:1: the C stack is used up" }
ends("a compiled loop", QUICK, "local x = 0 while true do x = x + 1 end", STOPPED)
ends("a loop without a body", QUICK, "while true do end", STOPPED)
ends("a loop in a coroutine", QUICK, "coroutine.wrap(function() while true do end end)()", STOPPED)
ends("a loop that swallows errors", QUICK, "while true do pcall(function() while true do end end) end", STOPPED)
ends("a loop that swallows errors in coroutines", QUICK,
  "while true do coroutine.resume(coroutine.create(function() while true do end end)) end", STOPPED)
ends("a loop behind xpcall", QUICK, "while true do xpcall(function() while true do end end, function() end) end", STOPPED)
ends("a message handler without end", QUICK, "xpcall(function() while true do end end, function() while true do end end)",
  { "sockq: -e:1: stopped after 0.4 s, within a call that cannot be interrupted" })
ends("a predicate without end", QUICK, "sockq.tcp():where(function() while true do end end):count()", STOPPED)
ends("a pattern without end", QUICK, "string.find(('a'):rep(500), ('.-'):rep(30) .. 'b')",
  { "sockq: -e:1: stopped after 0.4 s, within a call that cannot be interrupted" })
ends("a pattern without end that is caught", QUICK,
  "while true do pcall(string.find, ('a'):rep(500), ('.-'):rep(30) .. 'b') end",
  { "sockq: -e:1: stopped after 0.4 s" })
ends("a pattern without end in a coroutine", QUICK,
  "coroutine.wrap(function() string.find(('a'):rep(500), ('.-'):rep(30) .. 'b') end)()", { "sockq: -e:1: stopped after 0.4 s" })
ends("a sort without end", QUICK,
  "local t = {} for i = 1, 1e5 do t[i] = i end while true do table.sort(t, function(a, b) return a > b end) end",
  STOPPED)
ends("calls of gsub without end", QUICK, "while true do ('x'):rep(1000):gsub('.', function() end) end", STOPPED)
ends("strings without end", QUICK, "while true do local _ = ('x'):rep(1e6) end", STOPPED)
if program.sanitized then
  program.skip_part("memory and the C stack", "the sanitizer has its own of both")
else
  ends("a table that grows", SMALL, "local t = {} for i = 1, 1e9 do t[i] = {} end", FULL)
  ends("a string that doubles", SMALL, "local s = 'x' while true do s = s .. s end", FULL)
  ends("one huge string", SMALL, "return #('x'):rep(1e9)", FULL)
  ends("closures without end", SMALL, "local t = {} while true do t[#t + 1] = function() return t end end", FULL)
  ends("coroutines without end", SMALL, "local t = {} while true do t[#t + 1] = coroutine.create(print) end", FULL)
  ends("a stack without end", {}, "local function f() return 1 + f() end f()",
    { "sockq: -e:", "stack overflow; look for calls without end" })
  -- Whether the stack ends where LuaJIT can name the calls depends on how much each call takes.
  for locals = 0, 6 do
    local get = ("sockq.field { name = 'zz', type = 'number', get = function(r) %s return r.zz end } "):format(
      ("local _ = 1 "):rep(locals))
    ends(("a field that reads itself, with %d locals"):format(locals), {}, get .. "local _ = sockq.tcp():first().zz",
      { "sockq: -e:1: stack overflow; look for calls without end" })
    ends(("a field that reads itself in a walk, with %d locals"):format(locals), {},
      get .. "sockq.tcp():each(function(r) return r.zz end)", { "sockq: -e:1: stack overflow; look for calls without end" })
  end
  ends("sort within sort", {},
    "local function f() table.sort({ 2, 1 }, f) return false end f()", { "sockq: -e:1: stack overflow" })
  ends("gsub within gsub", {}, "local function f() local _ = ('x'):gsub('.', f) end f()", DEEP)
  ends("coroutines within coroutines", {}, "local function f() coroutine.wrap(f)() end f()", DEEP)
end

check.at_end(posix.cleanup)
check.ok("at least 60 escapes are tried", count >= 60, tostring(count))
io.stderr:write(("%d escapes from the sandbox of Lua were tried\n"):format(count))

check.finish()
