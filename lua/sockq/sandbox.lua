-- The sandbox: the Lua that scripts, plug-ins and sessions have where sockq was started with privileges
-- or with --sandbox. It gives good errors and keeps what one file does from the others and from the
-- engine; what holds against native code are the locks of the process (src/sandbox/).
--
-- Each file gets a table of globals of its own (sandbox/library.lua) and its own module sockq
-- (sandbox/exports.lua). The engine's globals are another table, which nothing in there leads to.

local core = require("sockq.core")

local sandbox = {}

--- Whether scripts and plug-ins run in the sandbox.
---@type boolean
sandbox.is_on = core.sandboxed()

local is_ready = false

local function library()
  local loaded = require("sockq.sandbox.library")
  if not is_ready then
    is_ready = true
    loaded.protect_strings()
  end
  return loaded
end

-- What require finds: the global sockq, and some modules below it.
local function module_of(name, globals)
  if name ~= "sockq" then
    return require("sockq.sandbox.exports").require(name)
  elseif rawget(globals, "sockq") == nil then
    globals.sockq = sandbox.module()
  end
  return globals.sockq
end

--- A table of globals for a script, a plug-in or a session.
---@return table
function sandbox.globals()
  return library().new(module_of)
end

--- What to do about a global that the sandbox lacks and Lua has; nil if Lua has none either.
---@param name string
---@return string|nil  # "what; what to do"
function sandbox.reason(name)
  if name == "ffi" or rawget(_G, name) ~= nil then
    return library().reason(name)
  end
  return nil
end

--- Why a script may not use a global, or a member of a library, that Lua has; nil if it may.
---@param name string
---@param member? string
---@return string|nil  # "what; what to do"
function sandbox.refusal(name, member)
  if sandbox.is_on and (name == "ffi" or rawget(_G, name) ~= nil) then
    return library().refusal(name, member)
  end
  return nil
end

--- The module sockq for such a file.
---@return table
function sandbox.module()
  return require("sockq.sandbox.exports").module()
end

--- What a script may hold of a value of the engine's.
function sandbox.export(value)
  return sandbox.is_on and require("sockq.sandbox.exports").export(value) or value
end

--- What stands behind a value of a script's.
function sandbox.import(value)
  return sandbox.is_on and require("sockq.sandbox.exports").import(value) or value
end

--- A plug-in of a user's as the engine calls it.
function sandbox.adopt(kind, plugin)
  return sandbox.is_on and require("sockq.sandbox.exports").adopt(kind, plugin) or plugin
end

return sandbox
