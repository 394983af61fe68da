-- Rows on their way out: which columns, which timer text, which format, and the writing itself.

local columns = require("sockq.columns")
local core = require("sockq.core")
local plugin = require("sockq.plugin")
local timer = require("sockq.timer")

local output = {}

--- What the command line chose; scripts' print() follows it.
output.defaults = { header = true }

--- The timer plug-in that the command line names, nil for each listing's own.
---@type string|nil
output.chosen_timer = nil

local DEFAULT_TIMER = "human"

local function endpoint(addr, port)
  return function(row)
    local text = row[addr]
    if not text then
      return addr == "local_addr" and row.path or nil
    end
    local number = row[port]
    if text:find(":", 1, true) then
      text = "[" .. text .. "]"
    end
    return text .. ":" .. (number == 0 and "*" or number)
  end
end

local function owner(row)
  local pid = row.pid
  if not pid then
    return nil
  end
  local program = row.program
  return pid .. "/" .. (program or "")
end

--- The columns of the default table.
---@param format_timer fun(row: sockq.Row): string
function output.default_columns(format_timer)
  return {
    "proto",
    { title = "recv_q", field = "recv_q" },
    { title = "send_q", field = "send_q" },
    { title = "local", get = endpoint("local_addr", "local_port"), shrink = 15 },
    { title = "remote", get = endpoint("remote_addr", "remote_port"), shrink = 15 },
    { title = "state", field = "state" },
    { title = "timer", get = function(row)
      local text = format_timer(row)
      return text ~= "" and text or nil
    end, shrink = 9 },
    { title = "pid/program", get = owner, needs = { "pid", "program" }, shrink = 8 },
  }
end

--- True once standard output could not be written.
output.failed = false

--- Write to standard output; a failure other than a closed pipe is an error.
---@param text string
function output.write(text)
  local ok, err = io.stdout:write(text)
  if not ok then
    output.failed = true
    error("standard output: " .. err, 0)
  end
end

--- Print a query's rows.
---@param query sockq.Query
---@param options { columns: table[]?, header: boolean?, timer: string?, format: string? }
---@return integer  rows printed
function output.print(query, options)
  for key in pairs(options) do
    if key ~= "columns" and key ~= "header" and key ~= "timer" and key ~= "format" then
      error(("print: %q means nothing here; known are columns, format, header, timer"):format(tostring(key)), 3)
    end
  end
  local format_timer, wrong = timer.formatter(options.timer or output.chosen_timer or DEFAULT_TIMER)
  if not format_timer then
    error(wrong, 3)
  end
  local list
  list, wrong = columns.resolve(options.columns or output.default_columns(format_timer), "print")
  if not list then
    error(wrong, 3)
  end
  local format
  format, wrong = plugin.load("formats", options.format or "table")
  if not format then
    error(wrong, 3)
  end
  local header = options.header
  if header == nil then
    header = output.defaults.header
  end
  local sink = format.open(list, { header = header, terminal = core.terminal_width(1) }, output.write)
  local count = 0
  query:needs(columns.needs(list)):each(function(row)
    count = count + 1
    sink.row(row)
  end)
  sink.finish()
  return count
end

return output
