-- What scripts and plug-ins hold of sockq in the sandbox. A query, a recording, a snapshot or a report is
-- an empty table there, with methods and nothing else; what it stands for is known here only. Tables of
-- the engine's own are given as copies. Rows, records, facts and errors have metatables of their own that
-- cannot be reached.

local chain = require("sockq.chain")
local hint = require("sockq.hint")
local trace = require("sockq.trace")

local debug_getmetatable, setmetatable = debug.getmetatable, setmetatable
local error, ipairs, pairs, rawget, select, tostring, type = error, ipairs, pairs, rawget, select, tostring, type
local xpcall = xpcall

local exports = {}

-- What stands behind what a script holds.
local inside = setmetatable({}, { __mode = "k" })

--- What stands behind a value of a script's; other values as they are.
local function import(value)
  if type(value) == "table" then
    return inside[value] or value
  end
  return value
end
exports.import = import

local export

local function take(value, ...)
  if select("#", ...) == 0 then
    return import(value)
  end
  return import(value), take(...)
end

local function give(value, ...)
  if select("#", ...) == 0 then
    return export(value)
  end
  return export(value), give(...)
end

local function pass(...)
  return ...
end

-- No tail call: an error at "the caller's line" names a line of this file, by which deliver() knows it.
local function call(func, ...)
  return pass(func(...))
end

-- Called in the place of the function that the script called, so that the script's line is the one above.
local function deliver(ok, ...)
  if ok then
    return give(...)
  end
  local err = ...
  local at_caller = type(err) == "string" and err:match("^lua/sockq/sandbox/exports%.lua:%d+: (.*)$")
  error(at_caller or err, at_caller and 2 or 0)
end

--- A function of the engine's as a script may call it: what it is given and gives goes through here.
---@param func function
---@param adapt? fun(...): ...  what else to do with the arguments, behind the first
---@return function
local function guard(func, adapt)
  if adapt then
    return function(self, ...)
      return deliver(xpcall(call, trace.note, func, import(self), adapt(...)))
    end
  end
  return function(...)
    return deliver(xpcall(call, trace.note, func, take(...)))
  end
end

--- A copy of plain data: no functions, no metatables. What refers to itself is cut.
local function data_of(value, above)
  local kind = type(value)
  if kind == "string" or kind == "number" or kind == "boolean" then
    return value
  elseif kind ~= "table" then
    return nil
  end
  above = above or {}
  if above[value] then
    return nil
  end
  above[value] = true
  local copy = {}
  for key, one in pairs(value) do
    if type(key) == "string" or type(key) == "number" then
      copy[key] = data_of(one, above)
    end
  end
  above[value] = nil
  return copy
end
exports.data_of = data_of

local function refuse_writing(what)
  return function(_, name)
    error(("%s cannot be written: %s"):format(what, tostring(name)), 2)
  end
end

-- A kind of thing: its methods (guarded already), the names of its plain members.
local function kind_of(what, word, methods, members)
  local kind = { __metatable = word, __newindex = refuse_writing(what) }
  function kind.__index(self, name)
    local method = rawget(methods, name)
    if method ~= nil then
      return method
    elseif members[name] then
      return data_of(inside[self][name])
    end
    local names = hint.keys(methods)
    for member in pairs(members) do
      names[#names + 1] = member
    end
    error(("%s has no %s%s; %s"):format(what, what == "a query" and "verb " or "", tostring(name),
      hint.remedy(name, names)), 2)
  end
  function kind.__tostring(self)
    return tostring(inside[self])
  end
  return kind
end

local function wrap(kind, object)
  local outside = setmetatable({}, kind)
  inside[outside] = object
  return outside
end

local function guarded(methods, is_public)
  local all = {}
  for name, method in pairs(methods) do
    if type(method) == "function" and is_public(name) then
      all[name] = guard(method)
    end
  end
  return all
end

local Query, kinds

local function query_kind()
  require("sockq.query")
  local methods = guarded(chain.metatable, function(name)
    return not name:find("^__") and not name:find("^try_")
  end)
  local schema = chain.metatable.schema
  methods.schema = guard(function(self)
    return data_of(schema(self))
  end)
  local kind = kind_of("a query", "sockq.query", methods, {})
  kind.__call = chain.metatable.__call
  return kind
end

local function wrap_list(list)
  local copy = {}
  for i, one in ipairs(list) do
    copy[i] = export(one)
  end
  return copy
end

-- Of recordings, by the metatables of recording.lua; loaded only if a script has one.
local function kinds_of_recordings()
  local recording = package.loaded["sockq.recording"]
  if not recording then
    return {}
  end
  local Recording, Snapshot = recording.Recording, recording.Snapshot
  return {
    [Recording] = kind_of("a recording", "sockq.recording", {
      snapshots = guard(function(self) return wrap_list(Recording.snapshots(self)) end),
      choose = guard(Recording.choose),
    }, { path = true, time = true }),
    [Snapshot] = kind_of("a snapshot", "sockq.snapshot", { open = guard(Snapshot.open) },
      { index = true, time = true, rows = true, size = true }),
  }
end

--- A value of the engine's as a script may hold it.
function export(value)
  if type(value) ~= "table" then
    return value
  end
  local metatable = debug_getmetatable(value)
  if metatable == nil then
    return value
  elseif metatable == chain.metatable then
    Query = Query or query_kind()
    return wrap(Query, value)
  end
  kinds = kinds and next(kinds) and kinds or kinds_of_recordings()
  return kinds[metatable] and wrap(kinds[metatable], value) or value
end
exports.export = export

-- The table of report:rows() holds a query.
local function import_section(section)
  if type(section) ~= "table" then
    return section
  end
  local copy = {}
  for key, value in pairs(section) do
    copy[key] = import(value)
  end
  return copy
end

local Report
local function wrap_report(report)
  if not Report then
    local class = debug_getmetatable(report)
    local methods = guarded(class, function(name) return not name:find("^_") end)
    methods.rows = guard(class.rows, import_section)
    Report = kind_of("a report", "sockq.report", methods, {})
  end
  return wrap(Report, report)
end

-- A format gets its columns as copies, whose get() is the engine's.
local function columns_of(list)
  local copy = {}
  for i, column in ipairs(list) do
    copy[i] = data_of(column)
    copy[i].get = column.get
  end
  return copy
end

local ADAPTED = {
  reports = function(plugin)
    local run = plugin.run
    plugin.run = function(args, report)
      return run(args, wrap_report(report))
    end
  end,
  formats = function(plugin)
    local open = plugin.open
    plugin.open = function(columns, options, write)
      local sink, wrong = open(columns_of(columns), data_of(options), function(text)
        write(text)
      end)
      return sink, wrong
    end
  end,
}

--- A plug-in of a user's as the engine calls it: a copy, whose functions get what scripts may hold.
---@param kind string   timers, views, formats, reports
---@param given table   what its file returned
---@return table
function exports.adopt(kind, given)
  local plugin = {}
  for key, value in pairs(given) do
    plugin[key] = value
  end
  if ADAPTED[kind] then
    ADAPTED[kind](plugin)
  end
  return plugin
end

-- Members of the module that are data: a copy a reading, so that messages are those of now.
local DATA = { version = true, fields = true, messages = true }

local functions
local function functions_of(sockq)
  if not functions then
    functions = {}
    for name, value in pairs(sockq) do
      functions[name] = type(value) == "function" and guard(value) or nil
    end
  end
  return functions
end

--- The module sockq for one script or plug-in.
---@return table
function exports.module()
  local sockq = require("sockq")
  local copy = {}
  for name, value in pairs(functions_of(sockq)) do
    copy[name] = value
  end
  copy.data = setmetatable({}, debug_getmetatable(sockq.data))
  return setmetatable(copy, {
    __metatable = "sockq",
    __index = function(_, name)
      if DATA[name] then
        return data_of(sockq[name])
      end
      error(("sockq has no %s; %s"):format(tostring(name), hint.remedy(name, hint.keys(sockq))), 2)
    end,
  })
end

-- Modules that copies of built-in timers and reports may go on using: none of them reads memory by
-- itself.
local MODULES = { ["sockq.ephemeral"] = true, ["sockq.escape"] = true, ["sockq.giveup"] = true, ["sockq.hint"] = true,
  ["sockq.services"] = true, ["sockq.span"] = true, ["sockq.state"] = true, ["sockq.value"] = true }

--- A module of sockq's by its name; nil if scripts may not have it.
---@param name string
---@return table|nil
function exports.require(name)
  if not MODULES[name] then
    return nil
  end
  local copy = {}
  for key, value in pairs(require(name)) do
    copy[key] = type(value) == "function" and guard(value) or data_of(value)
  end
  return copy
end

return exports
