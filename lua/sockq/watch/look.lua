-- One look of a live view: a command line run once, with its rows and text kept instead of printed.

local core = require("sockq.core")
local output = require("sockq.output")
local set = require("sockq.set")
local tables = require("sockq.tables")
local timer = require("sockq.timer")
local trace = require("sockq.trace")

local look = {}

local band = bit.band
local TCP = tables.mask(tables.groups.tcp)

--- True if a query's rows are all TCP sockets there are, whatever else is with them.
---@param query sockq.Query|nil
function look.has_all_tcp(query)
  if not query or query.source or query.shape or query.test or query.states ~= 0 or band(query.tables, TCP) ~= TCP then
    return false
  end
  for _, stage in ipairs(query.stages) do
    if stage.kind ~= "sort" then
      return false
    end
  end
  return true
end

--- A format that keeps its rows as one more section.
function look.keeper(sections, format)
  return {
    layout = format.layout,
    open = function(columns, options)
      local rows = {}
      local section = { columns = columns, rows = rows, title = options.title, header = options.header,
        has_all_tcp = look.has_all_tcp(columns.query) }
      sections[#sections + 1] = section
      return {
        row = function(row)
          rows[#rows + 1] = row:keep()
        end,
        finish = function() end,
      }
    end,
  }
end

--- What stands in the place of standard output to keep it: text in sections of lines, rows of the
--- formats that `keeps` names in sections of rows, in the order in which they came.
---@param keeps table<string, boolean>
---@return table captor, table[] sections
function look.captor(keeps)
  local sections = {}
  return {
    write = function(text)
      local last = sections[#sections]
      if last and last.parts then
        last.parts[#last.parts + 1] = text
      else
        sections[#sections + 1] = { parts = { text } }
      end
    end,
    format = function(format, name)
      return keeps[name] and look.keeper(sections, format) or format
    end,
  }, sections
end

--- TCP opens since boot, nil where the kernel's counters are not there and with --netns. Source:
--- include/uapi/linux/snmp.h, LINUX_MIB_TCPACTIVEOPENS and its like.
---@return integer|nil
function look.opens()
  -- They are counted for each namespace, and read of one's own alone.
  if core.netns() then
    return nil
  end
  local tcp = require("sockq.facts").read().snmp.Tcp
  return tcp.ActiveOpens and tcp.PassiveOpens and tcp.ActiveOpens + tcp.PassiveOpens
end

--- Run the command line once.
---@param run fun(): integer, boolean?   its exit status, and true if that is another program's
---@param captor table|nil               what to put in the place of standard output
---@param with_opens boolean?              read the counters of TCP opens first
---@return table  # status, at (seconds since 1970), read (of the clock that is never set), messages,
---   opens; an error of `run` is raised
function look.take(run, captor, with_opens)
  local messages, told = {}, {}
  local function tell(message)
    if not told[message] then
      told[message] = true
      messages[#messages + 1] = message
    end
  end
  local taken = { messages = messages }
  local on_message, on_error = set.on_message, timer.on_error
  set.on_message, timer.on_error = tell, tell
  set.incomplete = false
  output.captor = captor
  local ok, status, stands_in = xpcall(function()
    taken.opens = with_opens and look.opens() or nil
    taken.at, taken.read = core.now()
    return run()
  end, trace.note)
  output.captor = nil
  set.on_message, timer.on_error = on_message, on_error
  if not ok then
    error(status, 0)
  end
  taken.status, taken.stands_in = status, stands_in
  taken.found = status == 0 and not stands_in
  if set.incomplete and not stands_in and status < 2 then
    taken.status = 3
  end
  return taken
end

--- The section that has all TCP sockets there are, nil if none has.
function look.all_tcp(sections)
  for _, section in ipairs(sections) do
    if section.has_all_tcp then
      return section
    end
  end
  return nil
end

--- The text of a section of lines.
---@return string
function look.text(section)
  return table.concat(section.parts)
end

-- Rows by which a socket is seen to be open: not those that only listen or are not connected yet.
local NOT_OPEN = { LISTEN = true, SYN_RECV = true, CLOSE = true, TIME_WAIT = true }

local function is_open_now(entry)
  local row = entry.row
  if row.proto ~= "tcp" and row.proto ~= "tcp6" then
    return false
  end
  local before = entry.was and entry.was.row.state
  if not before then
    -- One that came and went leaves TIME_WAIT behind: it was seen as well.
    return row.state == "TIME_WAIT" or not NOT_OPEN[row.state]
  end
  return NOT_OPEN[before] and not NOT_OPEN[row.state]
end

--- Count the opens that no look can have seen: what the kernel counted, less the rows that appeared.
--- It errs to the low side.
---@param first integer  look.opens() after the first look
---@return fun(opens: integer|nil, entries: table[]): integer|nil  # how many came to light with a look:
---   opens before it, its paired entries of all TCP rows; nil if the kernel does not tell
function look.unseen(first)
  local seen, told = 0, 0
  return function(opens, entries)
    if not opens then
      return nil
    end
    for _, entry in ipairs(entries) do
      if is_open_now(entry) then
        seen = seen + 1
      end
    end
    -- Rows may be ahead of the counters, which are read first: what was too little comes later.
    local more = math.max(0, opens - first - seen - told)
    told = told + more
    return more
  end
end

return look
