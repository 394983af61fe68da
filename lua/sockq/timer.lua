-- Timer text: a timer plug-in, guarded, so that one that raises costs a cell and not the listing.

local complaint = require("sockq.complaint")
local core = require("sockq.core")
local fields = require("sockq.fields")
local plugin = require("sockq.plugin")
local trace = require("sockq.trace")

local timer = {}

--- The plug-in that the command line names, nil for each listing's own.
---@type string|nil
timer.chosen = nil

--- The plug-in of a listing that has none of its own.
timer.DEFAULT = "human"

--- Called once a plug-in that raised, with what there is to tell (complaint.lua); cli.lua prints it.
---@type fun(err: table)|nil
timer.on_error = nil

--- True once a plug-in raised.
timer.failed = false

local told = {}

local function fail(name, message, lines)
  timer.failed = true
  if not told[name] then
    told[name] = true
    if timer.on_error then
      timer.on_error(complaint.new(message .. "; the cells show ?", lines))
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
    return fail(name, plugin.error_text(path, text.message), complaint.lines(text))
  end
end

local formatter, formatter_name

-- The text of the plug-in that the command line chooses, as a field of every row.
local function chosen_text(_, _, row)
  local name = timer.chosen or timer.DEFAULT
  if formatter_name ~= name then
    local format, wrong = timer.formatter(name)
    formatter, formatter_name = format or error("timer_text: " .. wrong, 0), name
  end
  local text = formatter(row)
  return text ~= "" and text or nil
end

fields.add({
  name = "timer_text", type = "string", doc = "the timer in the words of --timer, human if there is none",
  sources = { "tcp", "udp", "udplite", "raw", "icmp" }, get = chosen_text,
})

return timer
