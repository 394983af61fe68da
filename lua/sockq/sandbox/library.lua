-- Lua's libraries as the sandbox has them: copies, so that what a script changes in them is its own; of
-- what reaches files, processes or the inside of other functions, a function that says why it is
-- missing. What is not named here is missing: a newer LuaJIT adds nothing by itself.

local error, rawget, select, tostring, type = error, rawget, select, tostring, type
local load, pairs, setmetatable = load, pairs, setmetatable
local raw_insert, raw_lines, raw_collect = table.insert, io.lines, collectgarbage
local exit = os.exit
local stdin, stdout, stderr = io.stdin, io.stdout, io.stderr
local file_write, file_flush, file_read, file_lines = stdout.write, stdout.flush, stdin.read, stdin.lines

local library = {}

local TRUST = "run sockq with --trust if you trust the script"
local FILES = "no files in the sandbox; bring one in by --data NAME=FILE, or " .. TRUST
local PROCESSES = "no processes in the sandbox; " .. TRUST
local INSIDE = "no access to the inside of Lua in the sandbox; " .. TRUST

--- Why a name of Lua's is missing, "what; what to do".
library.reasons = {
  ["io.open"] = FILES, ["io.input"] = FILES, ["io.output"] = FILES, ["io.tmpfile"] = FILES, ["io.close"] = FILES,
  ["os.remove"] = FILES, ["os.rename"] = FILES, ["os.tmpname"] = FILES, dofile = FILES, loadfile = FILES,
  ["io.popen"] = PROCESSES, ["os.execute"] = PROCESSES,
  ["os.getenv"] = "no environment in the sandbox; give its value as an argument, or " .. TRUST,
  ["os.setlocale"] = "the locale is fixed in the sandbox; " .. TRUST,
  ["string.dump"] = "no bytecode in the sandbox; " .. TRUST,
  jit = INSIDE, ffi = INSIDE, package = "no files in the sandbox, and so no modules; " .. TRUST,
}

--- Why a name is missing.
---@param name string  "io.open", "getfenv"
---@return string  # "what; what to do"
function library.reason(name)
  return rawget(library.reasons, name) or INSIDE
end

-- A function in the place of one that is missing.
local function refusing(name)
  return function()
    error(name .. ": " .. library.reason(name), 2)
  end
end

local GIVEN = {
  string = "byte char find format gmatch gsub len lower match rep reverse sub upper gfind",
  table = "concat foreach foreachi getn insert maxn move remove sort",
  math = "abs acos asin atan atan2 ceil cos cosh deg exp floor fmod frexp huge ldexp log log10 max min mod modf pi pow "
    .. "rad random randomseed sin sinh sqrt tan tanh",
  bit = "arshift band bnot bor bswap bxor lshift rol ror rshift tobit tohex",
  coroutine = "create isyieldable resume running status wrap yield",
  os = "clock date difftime time",
  io = "flush read type write",
  debug = "traceback",
}
local GLOBALS = "assert error getmetatable ipairs next pairs pcall print rawequal rawget rawset select setmetatable "
  .. "tonumber tostring type unpack xpcall _VERSION"
local MISSING = { "dofile", "loadfile", "getfenv", "setfenv", "module", "newproxy", "gcinfo" }

-- A copy of a library: what is given, and functions that refuse in the place of the rest.
local function copy_of(name, given)
  local copy = {}
  for key, value in pairs(_G[name]) do
    if given[key] then
      copy[key] = value
    elseif type(value) == "function" then
      copy[key] = refusing(name .. "." .. key)
    end
  end
  return copy
end

local function set_of(words)
  local set = {}
  for word in words:gmatch("%S+") do
    set[word] = true
  end
  return set
end

-- The original moves elements one by one from there to the end, 2^31 of them if it must.
local function insert(list, ...)
  local place = ...
  if select("#", ...) == 2 and type(list) == "table" and type(place) == "number" and
    not (place >= 1 and place <= #list + 1) then
    error(("bad argument #2 to 'insert' (position out of bounds: %s of %d)"):format(tostring(place), #list), 2)
  end
  return raw_insert(list, ...)
end

local function lines(name)
  if name ~= nil then
    error("io.lines: " .. FILES, 2)
  end
  return raw_lines()
end

local COLLECT = { count = true, collect = true }

local function collect(what)
  what = what == nil and "collect" or what
  if not COLLECT[what] then
    error(("collectgarbage: only \"count\" and \"collect\" in the sandbox, not %s; %s"):format(tostring(what), TRUST), 2)
  end
  return raw_collect(what)
end

local function leave(status)
  if status ~= nil and type(status) ~= "boolean" and not (type(status) == "number" and status >= 0 and status <= 255) then
    error("os.exit: a status from 0 to 255 is expected", 2)
  end
  exit(status == nil or status == true or status ~= false and status or 1)
end

-- A standard stream: its functions are the originals', called with the original.
local function stream(name, functions)
  local methods = {}
  for key, call in pairs(functions) do
    methods[key] = call
  end
  for _, key in ipairs({ "close", "seek", "setvbuf", "write", "read", "lines", "flush" }) do
    methods[key] = methods[key] or refusing(name .. ":" .. key)
  end
  return setmetatable({}, {
    __index = methods, __newindex = refusing(name), __metatable = "file", __tostring = function() return name end,
  })
end

-- Tail calls: a wrong argument is told at the script's line.
local STREAMS = {
  stdin = { read = function(_, ...) return file_read(stdin, ...) end, lines = function() return file_lines(stdin) end },
  stdout = { write = function(_, ...) return file_write(stdout, ...) end, flush = function() return file_flush(stdout) end },
  stderr = { write = function(_, ...) return file_write(stderr, ...) end, flush = function() return file_flush(stderr) end },
}

-- Libraries that are there are modules as well, as in any Lua.
local function requiring(globals, modules)
  return function(name)
    local library_of = GIVEN[name] and globals[name]
    local found = library_of or modules(name, globals)
    if found == nil then
      error(("require: no module %s in the sandbox, which has no files; %s"):format(tostring(name), TRUST), 2)
    end
    return found
  end
end

--- Why a script may not use what Lua has of a name; nil if it may, or if Lua has none.
---@param name string     a global
---@param member? string  of that library
---@return string|nil  # "what; what to do"
function library.refusal(name, member)
  local globals = library.new(function() end)
  if not member then
    local is_refused = rawget(globals, name) == nil and name ~= "sockq" and name ~= "arg"
    for _, missing in ipairs(MISSING) do
      is_refused = is_refused or missing == name
    end
    return is_refused and library.reason(name) or nil
  elseif not GIVEN[name] or name == "io" and (member == "lines" or STREAMS[member]) or name == "os" and member == "exit" then
    return nil
  end
  local has = rawget(_G[name], member) ~= nil
  return has and not set_of(GIVEN[name])[member] and library.reason(name .. "." .. member) or nil
end

--- A table of globals: Lua's, as far as the sandbox has them.
---@param modules fun(name: string, globals: table): any  what require finds besides; nil: nothing
---@return table
--- Cost: some 10 µs.
function library.new(modules)
  local globals = {}
  for name in GLOBALS:gmatch("%S+") do
    globals[name] = _G[name]
  end
  for name, words in pairs(GIVEN) do
    globals[name] = copy_of(name, set_of(words))
  end
  for _, name in ipairs(MISSING) do
    globals[name] = refusing(name)
  end
  globals._G = globals
  globals.table.insert, globals.io.lines, globals.os.exit, globals.collectgarbage = insert, lines, leave, collect
  for name, functions in pairs(STREAMS) do
    globals.io[name] = stream("io." .. name, functions)
  end
  globals.require = requiring(globals, modules)
  -- Text only, and nowhere but here.
  globals.load = function(chunk, name, _, environment)
    return load(chunk, name, "t", environment == nil and globals or environment)
  end
  globals.loadstring = function(text, name)
    return load(tostring(text), name or tostring(text), "t", globals)
  end
  return globals
end

--- Let the methods of strings be a copy as well, behind a metatable that scripts cannot reach.
function library.protect_strings()
  local metatable = debug.getmetatable("")
  local methods = {}
  for name in pairs(set_of(GIVEN.string)) do
    methods[name] = string[name]
  end
  metatable.__index, metatable.__metatable = methods, "string"
end

return library
