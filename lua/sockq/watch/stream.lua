-- The live view in a pipe: a block a look, or for ndjson one event a line.
--
-- How a format's looks are told apart: table and other formats for people have a line with the time
-- before each look; json is an object { "time", "rows" } a look; csv and tsv have a first column
-- `time`, and one header; prometheus and lua a comment with the time.

local changes = require("sockq.watch.changes")
local core = require("sockq.core")
local identity = require("sockq.identity")
local json = require("sockq.json")
local look = require("sockq.watch.look")
local output = require("sockq.output")
local stamp = require("sockq.watch.stamp")

local stream = {}

local COMMENTS = { prometheus = "# ", lua = "-- " }

-- Opens that came and went unseen, by all rows of each look.
local function unseen_counter()
  local before, count
  return function(taken, section)
    if not section then
      return nil
    end
    local entries = section.entries or identity.entries(section.rows)
    if not before then
      local opens = look.opens()
      count = opens and look.unseen(opens)
    else
      identity.pair(before, entries)
    end
    local more = before and count and count(taken.opens, entries)
    before = entries
    return more
  end
end

-- A format that also keeps its rows where they are all TCP sockets, so that they can be counted.
local function with_rows(sections, format)
  local keeper = look.keeper(sections, format)
  return { layout = format.layout, open = function(columns, options, write)
    local sink = format.open(columns, options, write)
    if not look.has_all_tcp(columns.query) then
      return sink
    end
    local kept = keeper.open(columns, options)
    return {
      row = function(row)
        sink.row(row)
        kept.row(row)
      end,
      finish = sink.finish,
    }
  end }
end

local function plain_block(name)
  local first, unseen, time = true, unseen_counter(), nil
  local comment = COMMENTS[name]
  -- With the first text: what is wrong with the command line has nothing before it.
  local function put_time()
    if time then
      output.put(("%s%s%s\n"):format((first or comment) and "" or "\n", comment or "", stamp(time)))
      first, time = false, nil
    end
  end
  return {
    captor = function()
      local sections = {}
      return { write = function(text)
        put_time()
        output.put(text)
      end, format = function(format)
        return comment and format or with_rows(sections, format)
      end }, sections
    end,
    before = function(at)
      time = at
    end,
    after = function(taken, sections)
      put_time()
      local more = unseen(taken, sections[1])
      if more and more > 0 then
        output.put(("%d more opens came and went unseen\n"):format(more))
      end
    end,
  }
end

local function json_block()
  local parts
  return {
    captor = function()
      parts = {}
      return { write = function(text) parts[#parts + 1] = text end, format = function(format) return format end }, {}
    end,
    before = function() end,
    after = function(taken)
      output.put(('{"time":"%s","rows":%s}\n'):format(stamp(taken.at), (table.concat(parts):gsub("%s+$", ""))))
    end,
  }
end

local function column_block()
  local time, headers = nil, {}
  local column = { name = "time", title = "time", type = "string", align = "left", unknown = "-", fields = {},
    get = function() return time end }
  return {
    captor = function()
      local number = 0
      return { write = output.put, format = function(format)
        return { layout = format.layout, open = function(columns, options, write)
          number = number + 1
          local names = {}
          for i, one in ipairs(columns) do
            names[i] = one.name
          end
          local header = table.concat(names, ",")
          options.header = options.header and headers[number] ~= header
          headers[number] = header
          return format.open({ column, unpack(columns) }, options, write)
        end }
      end }, {}
    end,
    before = function(at)
      time = stamp(at)
    end,
    after = function() end,
  }
end

-- A column whose value is the same for all rows of a look.
local function constant(name, value)
  return { name = name, title = name, unknown = "", fields = {}, get = function() return value end }
end

-- Write the rows of those entries that are `wanted` as events of one kind.
local function put_rows(time, event, first, columns, entries, wanted)
  local list = { constant("time", time), constant("event", event), first and constant("first", true) or nil }
  for _, column in ipairs(columns) do
    list[#list + 1] = column
  end
  local sink = require("sockq.formats.ndjson").open(list, {}, output.put)
  for _, entry in ipairs(entries) do
    if wanted(entry) then
      sink.row(entry.row)
    end
  end
  sink.finish()
end

-- '"state":["ESTABLISHED","TIME_WAIT"]', what changed of a row; nil for nothing.
local function changed_cells(section, entry)
  local list
  for i, column in ipairs(section.columns) do
    local changed, before, now = changes.cell(column, section.kinds[i], entry.was.row, entry.row)
    if changed then
      list = list or {}
      list[#list + 1] = ("%s:[%s,%s]"):format(json.encode(column.name), json.encode(before), json.encode(now))
    end
  end
  return list
end

local function put_changes(time, section)
  for _, entry in ipairs(section.entries) do
    local changed = entry.was and changed_cells(section, entry)
    if changed then
      local parts = {}
      for i, column in ipairs(section.columns) do
        parts[i] = ("%s:%s"):format(json.encode(column.name), json.encode(column.get(entry.row)))
      end
      output.put(('{"time":"%s","event":"change",%s,"changed":{%s}}\n'):format(time, table.concat(parts, ","),
        table.concat(changed, ",")))
    end
  end
end

local function put_events(time, section, before)
  section.entries = identity.entries(section.rows)
  section.kinds = changes.kinds(section.columns, type(section.rows[1]) == "userdata")
  if before then
    identity.pair(before.entries, section.entries)
    put_rows(time, "close", false, before.columns, before.entries, function(entry) return entry.gone end)
    put_changes(time, section)
  end
  put_rows(time, "open", not before, section.columns, section.entries, function(entry) return not entry.was end)
end

local function events()
  local previous, unseen = {}, unseen_counter()
  return {
    captor = function()
      local captor, sections = look.captor({ ndjson = true })
      captor.write = output.put
      return captor, sections
    end,
    before = function() end,
    after = function(taken, sections)
      local time = stamp(taken.at)
      for i, section in ipairs(sections) do
        put_events(time, section, previous[i])
      end
      local more = unseen(taken, look.all_tcp(sections))
      if more and more > 0 then
        output.put(('{"time":"%s","event":"unseen","count":%d}\n'):format(time, more))
      end
      previous = sections
    end,
  }
end

local BLOCKS = { ndjson = events, json = json_block, csv = column_block, tsv = column_block }

-- Wait as long as is left of an interval, signals or not.
local function sleep_until(due)
  local _, now = core.now()
  while now < due do
    core.sleep(due - now)
    _, now = core.now()
  end
end
stream.sleep_until = sleep_until

--- Look again and again until `times` or a signal ends it.
---@param run fun(): integer, boolean?  the command line
---@param options { interval: number, times: integer|nil, format: string }
---@param complain fun(message: string)
---@return integer status  by the rows of the last look
function stream.run(run, options, complain)
  local block = (BLOCKS[options.format] or plain_block)(options.format)
  local looks, due, told, taken = 0, nil, {}
  repeat
    if due then
      sleep_until(due)
    end
    local captor, sections = block.captor()
    block.before((core.now()))
    taken = look.take(run, captor, looks > 0)
    block.after(taken, sections)
    io.stdout:flush()
    -- A message is told when it comes up, not again at each look.
    local now_told = {}
    for _, message in ipairs(taken.messages) do
      now_told[message] = true
      if not told[message] then
        complain(message)
      end
    end
    told = now_told
    looks = looks + 1
    local _, now = core.now()
    due = math.max((due or taken.read) + options.interval, now)
  until looks == options.times
  return taken.status
end

return stream
