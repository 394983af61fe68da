-- Rows on their way out: which columns, which timer text, which format, and the writing itself.

local chain = require("sockq.chain")
local columns = require("sockq.columns")
local core = require("sockq.core")
local fields = require("sockq.fields")
local plugin = require("sockq.plugin")
local progress = require("sockq.progress")
local stamp = require("sockq.watch.stamp")
local tables = require("sockq.tables")
local timer = require("sockq.timer")

local output = {}

--- What the command line chose; scripts' print() follows it. color: "auto", "always" or "never".
---@type { header: boolean, format: string, color: string }
output.defaults = { header = true, format = "table", color = "auto" }

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
    -- Rows that diff and join make are tables, with fields of their own.
    local why = type(row) == "userdata" and row.suspect
    return (why == "forged" or why == "repeated") and "(suspect)" or nil
  end
  local program = row.program
  return pid .. "/" .. (program or "")
end

--- Columns that are made of several fields.
output.LOCAL = { title = "local", get = endpoint("local_addr", "local_port"), shrink = 15 }
output.REMOTE = { title = "remote", get = endpoint("remote_addr", "remote_port"), shrink = 15 }
output.OWNER = { title = "pid/program", get = owner, needs = { "pid", "program" }, shrink = 8 }
local OWNER = output.OWNER

local DEFAULT = {
  "proto",
  "recv_q",
  "send_q",
  output.LOCAL,
  output.REMOTE,
  "state",
  { title = "timer", timer = true, shrink = 9 },
  OWNER,
}

-- Tables that have neither addresses nor timers, listed alone, have columns of their own.
local ALONE = {
  unix = { "proto", "type", "state", "refs", "inode", "path", OWNER },
  netlink = { "proto", "protocol", "port_id", "groups", "recv_q", "send_q", "drops", "inode", OWNER },
  packet = { "proto", "type", "protocol", "ifindex", "dev", "recv_q", "user", "inode", OWNER },
}

-- The same for formats that machines read: a field a column.
local FIELDS = { "proto", "recv_q", "send_q", "local_addr", "local_port", "remote_addr", "remote_port", "state",
  "timer", "expires", "retrans", "probes", "uid", "inode", "pid", "program" }

-- Of sockets as they are closed: when, and what they moved.
local CLOSED = {
  { title = "closed", width = 29, needs = { "closed" }, get = function(row) return row.closed and stamp(row.closed) end },
  "proto",
  { title = "local", get = output.LOCAL.get, shrink = 15, width = 21 },
  { title = "remote", get = output.REMOTE.get, shrink = 15, width = 21 },
}
local CLOSED_FIELDS = { "closed", "proto", "local_addr", "local_port", "remote_addr", "remote_port" }
local LAST_WORDS = { "bytes_acked", "bytes_received", "retrans_total", "rtt" }

local function of_closed(list)
  list = { unpack(list) }
  for _, name in ipairs(LAST_WORDS) do
    list[#list + 1] = fields.by_name[name] and name or nil
  end
  return list
end

local function with_fields(list, more)
  local names = {}
  for _, column in ipairs(list) do
    names[#names + 1] = type(column) == "string" and column or column.field
  end
  for _, name in ipairs(more) do
    names[#names + 1] = name
  end
  return names
end

-- Of sockets joined with other rows: those of the sockets, then of other sockets the state and
-- owner, of other rows all.
local function joined_columns(schema, layout)
  local list = { unpack(layout == "fields" and FIELDS or DEFAULT) }
  local prefix = schema.joined.prefix
  local others = { prefix .. "state", prefix .. "pid", prefix .. "program" }
  if schema.joined.right ~= fields then
    others = {}
    for _, entry in ipairs(schema.list) do
      others[#others + 1] = entry.side == 2 and entry.name or nil
    end
  end
  for _, name in ipairs(others) do
    list[#list + 1] = name
  end
  return list
end

-- Columns of sockets, where they are of several namespaces.
local function with_netns(list, by_field)
  local chosen = core.netns()
  if not (chosen and chosen.several) then
    return list
  end
  list = { unpack(list) }
  table.insert(list, by_field and #list + 1 or 1, "netns")
  return list
end

-- The columns of a query that names none.
local function columns_of(query, layout)
  local schema = query:schema()
  if schema.joined and schema.joined.left == fields then
    return joined_columns(schema, layout)
  elseif schema ~= fields then
    local names = {}
    for _, entry in ipairs(schema.list) do
      names[#names + 1] = { field = entry.name }
    end
    return names
  end
  local by_field = layout == "fields"
  if query.follows then
    return of_closed(by_field and CLOSED_FIELDS or CLOSED)
  end
  for group, list in pairs(ALONE) do
    if query.tables == tables.mask(tables.groups[group]) then
      return by_field and with_fields(list, { "pid", "program" }) or list
    end
  end
  if not by_field then
    return DEFAULT
  end
  local has_unix = bit.band(query.tables, tables.mask(tables.groups.unix)) ~= 0
  local list = with_fields(FIELDS, has_unix and { "path" } or {})
  if timer.chosen then
    list[#list + 1] = "timer_text"
  end
  return list
end

--- The columns of a query that names none.
---@param query sockq.Query
---@param layout string?  "fields": a field a column
---@return (string|table)[]
local function default_columns(query, layout)
  local list = columns_of(query, layout)
  return query:schema() == fields and with_netns(list, layout == "fields") or list
end

--- True once standard output could not be written.
output.failed = false

--- What a live view or -q puts in the place of standard output: write(text) gets all text, and
--- format(plug-in, name) gives the format plug-in to use for rows. nil: nothing.
---@type { write: fun(text: string), format: fun(format: table, name: string): table }|nil
output.captor = nil

--- Write to standard output; a failure other than a closed pipe is an error.
---@param text string
function output.put(text)
  progress.before_output()
  local ok, err = io.stdout:write(text)
  if not ok then
    output.failed = true
    error("standard output: " .. err, 0)
  end
end

--- Write text to where it belongs: the one way out for commands, reports and formats.
---@param text string
function output.write(text)
  local put = output.captor and output.captor.write or output.put
  put(text)
end

local OPTIONS = { columns = "string or table", format = "string", header = "boolean", timer = "string",
  title = "string" }

-- What is wrong with the options of print, nil if nothing is.
local function wrong_options(options)
  if type(options) ~= "table" then
    return ("print: a table of options is expected, not a %s"):format(type(options))
  end
  for key, value in pairs(options) do
    local expected = OPTIONS[key]
    if not expected then
      return ("print: %q means nothing here; known are columns, format, header, timer, title"):format(tostring(key))
    elseif not expected:find(type(value), 1, true) then
      return ("print: %s is a %s; a %s is expected"):format(key, type(value), expected)
    end
  end
  return nil
end

local function environment(name)
  local value = os.getenv(name)
  return value ~= "" and value or nil
end

--- What the terminal or pipe behind standard output can show.
---@return integer|nil columns, boolean color, boolean utf8  # columns: nil of a pipe
function output.surroundings()
  local terminal = core.terminal_width(1)
  local color = output.defaults.color == "always" or (output.defaults.color == "auto" and terminal ~= nil and
    not environment("NO_COLOR") and environment("TERM") ~= "dumb")
  local locale = environment("LC_ALL") or environment("LC_CTYPE") or environment("LANG") or "C"
  return terminal, color, locale:lower():find("utf%-?8") ~= nil
end

local function load_format(options)
  return plugin.load("formats", options.format or output.defaults.format)
end

--- True if the chosen format is for people, and no other program's input.
---@return boolean
function output.is_for_people()
  local format, wrong = load_format({})
  if not format then
    error("-f " .. wrong, 0)
  end
  return format.people or format.layout ~= "fields"
end

--- The columns of a listing.
---@param query sockq.Query      whose rows they are
---@param given string|table[]?  columns; nil: those that fit the rows and the format
---@param place string           what to call the columns in messages
---@param options { timer: string?, format: string? }
---@return table[]|nil list      # of columns.lua, with needs: the fields to read for them, and query
---@return string|nil message, table|nil problem
function output.columns(query, given, place, options)
  local format, path = load_format(options)
  if not format then
    return nil, path
  end
  local list, wrong, problem = columns.resolve(given or default_columns(query, format.layout), place,
    options.timer or timer.chosen or timer.DEFAULT, query:schema())
  if not list then
    return nil, wrong, problem
  elseif #list == 0 then
    return nil, place .. ": a column is missing; name a field"
  end
  list.needs, list.query = columns.needs(list), query
  return list
end

--- Which columns the chosen format wants: "table", composed ones for people, or "fields".
---@return string|nil
function output.layout()
  local format = load_format({})
  return format and format.layout
end

--- Open a sink for rows in a format.
---@param list table[]  what output.columns made
---@param options { header: boolean?, format: string?, title: string? }
---@return table|nil sink, string|nil message, boolean refused  # { row(row), finish() }, or what is wrong;
---   refused: the format is fine, and cannot show these columns
function output.open(list, options)
  local format, path = load_format(options)
  assert(format, path)
  if output.captor then
    format = output.captor.format(format, options.format or output.defaults.format)
  end
  local header = options.header
  if header == nil then
    header = output.defaults.header
  end
  local terminal, color, utf8 = output.surroundings()
  local sink, wrong = format.open(list, { header = header, terminal = terminal, color = color, utf8 = utf8,
    follow = list.query and list.query.follows, title = options.title or "sockets" }, output.write)
  if sink ~= nil and (type(sink) ~= "table" or type(sink.row) ~= "function" or type(sink.finish) ~= "function") then
    return nil, path .. ": open gave no sink; { row = function(row), finish = function() } is expected"
  end
  if not sink and not wrong then
    return nil, path .. ": open gave nothing; a sink or nil, MESSAGE is expected"
  end
  return sink, wrong, not sink
end

--- Open a sink for rows of a query in a format.
---@param query sockq.Query        whose rows they are
---@param given string|table[]?    columns; nil: those that fit the rows and the format
---@param place string             what to call the columns in messages
---@param options { header: boolean?, timer: string?, format: string?, title: string? }
---@return table|nil sink          # { row, finish, columns }, or nil,
---@return string|nil message, table|nil problem
function output.sink(query, given, place, options)
  local list, wrong, problem = output.columns(query, given, place, options)
  if not list then
    return nil, wrong, problem
  end
  local sink
  sink, wrong = output.open(list, options)
  if not sink then
    return nil, wrong
  end
  sink.columns = list
  return sink
end

--- Write a query's rows to standard output.
---@param query sockq.Query
---@param given string|(string|table)[]?  columns, nil for those that fit the rows and the format
---@param place string  what to call them in messages
---@param options { header: boolean?, timer: string?, format: string?, title: string? }
---@return integer|nil rows, string|nil message, table|nil problem  # how many were written, or what is wrong
function output.list(query, given, place, options)
  local sink, wrong, problem = output.sink(query, given, place, options)
  if not sink then
    return nil, wrong, problem
  end
  local count, put = 0, sink.row
  -- A query is the caller's: what this listing adds stays with a copy.
  chain.derive(query:needs(sink.columns.needs), {
    idle = query.follows and sink.flush or nil,
    is_closed = query.shape ~= nil or not columns.read_any(sink.columns),
  }):each(function(row)
    count = count + 1
    -- Only a captor's sink knows when it has enough.
    return put(row) == true
  end)
  sink.finish()
  return count
end

--- As list, for a script: what is wrong is an error at the line that called print.
---@param options { columns: string|table[]?, header: boolean?, timer: string?, format: string?, title: string? }
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
