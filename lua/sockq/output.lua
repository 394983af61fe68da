-- Rows on their way out: which columns, which timer text, which format, and the writing itself.

local columns = require("sockq.columns")
local core = require("sockq.core")
local plugin = require("sockq.plugin")
local tables = require("sockq.tables")

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

local OWNER = { title = "pid/program", get = owner, needs = { "pid", "program" }, shrink = 8 }

local DEFAULT = {
  "proto",
  "recv_q",
  "send_q",
  { title = "local", get = endpoint("local_addr", "local_port"), shrink = 15 },
  { title = "remote", get = endpoint("remote_addr", "remote_port"), shrink = 15 },
  "state",
  { title = "timer", timer = true, shrink = 9 },
  OWNER,
}

-- Tables that have neither addresses nor timers, listed alone, have columns of their own.
local ALONE = {
  unix = { "proto", "type", "state", "refs", "inode", { field = "path", shrink = 15 }, OWNER },
  netlink = { "proto", "protocol", "port_id", "groups", "recv_q", "send_q", "drops", "inode", OWNER },
  packet = { "proto", "type", "protocol", "ifindex", "dev", "recv_q", "user", "inode", OWNER },
}

--- The columns of the default table.
---@param query sockq.Query
---@return (string|table)[]
local function default_columns(query)
  for group, list in pairs(ALONE) do
    if query.tables == tables.mask(tables.groups[group]) then
      return list
    end
  end
  return DEFAULT
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

local OPTIONS = { columns = "table", format = "string", header = "boolean", timer = "string" }

-- What is wrong with the options of print, nil if nothing is.
local function wrong_options(options)
  if type(options) ~= "table" then
    return ("print: a table of options is expected, not a %s"):format(type(options))
  end
  for key, value in pairs(options) do
    local expected = OPTIONS[key]
    if not expected then
      return ("print: %q means nothing here; known are columns, format, header, timer"):format(tostring(key))
    elseif type(value) ~= expected then
      return ("print: %s is a %s; a %s is expected"):format(key, type(value), expected)
    end
  end
  return nil
end

--- Write a query's rows to standard output.
---@param query sockq.Query
---@param given (string|table)[]?  columns, nil for the default table's
---@param place string  what to call them in messages
---@param options { header: boolean?, timer: string?, format: string? }
---@return integer|nil rows, string|nil message  # how many were written, or what is wrong
function output.list(query, given, place, options)
  local list, wrong = columns.resolve(given or default_columns(query), place,
    options.timer or output.chosen_timer or DEFAULT_TIMER)
  if not list then
    return nil, wrong
  end
  local format
  format, wrong = plugin.load("formats", options.format or "table")
  if not format then
    return nil, wrong
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

--- As list, for a script: what is wrong is an error at the line that called print.
---@param options { columns: table[]?, header: boolean?, timer: string?, format: string? }
---@return integer  rows printed
function output.print(query, options)
  local wrong = wrong_options(options)
  local count
  if not wrong then
    count, wrong = output.list(query, options.columns, "print", options)
  end
  if wrong then
    error(wrong, 3)
  end
  return count
end

return output
