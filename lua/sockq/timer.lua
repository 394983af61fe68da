-- Timer text: a timer plug-in, guarded, so that one that raises costs a cell and not the listing.

local core = require("sockq.core")
local plugin = require("sockq.plugin")
local trace = require("sockq.trace")

local timer = {}

--- Called once a plug-in that raised, with the message and what more there is to tell; cli.lua prints it.
---@type fun(message: string, lines: string[])|nil
timer.on_error = nil

--- True once a plug-in raised.
timer.failed = false

local told = {}

local function fail(name, message, lines)
  timer.failed = true
  if not told[name] then
    told[name] = true
    if timer.on_error then
      timer.on_error(message .. "; the cells show ?", lines)
    end
  end
  return "?"
end

--- A function from a row to the text of its timer.
---@param name string  of a timer plug-in
---@return (fun(row: sockq.Row): string)|nil, string|nil message
function timer.formatter(name)
  local loaded, path = plugin.load("timers", name)
  if not loaded then
    return nil, path
  end
  local format = loaded.format
  return function(row)
    local ok, text = xpcall(format, trace.handler, row)
    if ok and type(text) == "string" then
      return text
    end
    if ok then
      return fail(name, ("%s: format returned a %s; a string is expected"):format(path, type(text)), {})
    elseif core.interrupted() then
      error(text, 0)
    end
    return fail(name, plugin.error_text(path, text.message), text.lines)
  end
end

return timer
