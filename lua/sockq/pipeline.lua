-- Running a query: its source's rows pushed through its stages, one after the other, to a visitor.
--
-- A stage is opened on the sink behind it and gives { row = function(row) → true to stop, finish }.
-- Rows of a source are cursors, which a stage that keeps rows saves as numbers; records are their
-- own.

local grouping = require("sockq.grouping")
local join = require("sockq.join")
local record = require("sockq.record")
local row = require("sockq.row")
local set = require("sockq.set")
local sorting = require("sockq.sorting")
local trace = require("sockq.trace")

local pipeline = {}

local open = {}

function open.where(stage, sink)
  local test, push = stage.test, sink.row
  return {
    row = function(one)
      if test(one) then
        return push(one)
      end
    end,
    finish = sink.finish,
  }
end

function open.limit(stage, sink)
  local left, push = stage.count, sink.row
  return {
    row = function(one)
      left = left - 1
      return left < 0 or push(one) or left == 0
    end,
    finish = sink.finish,
  }
end

function open.sort(stage, sink, input)
  return sorting.stage(stage.items, stage.limit, sink, input)
end

function open.group(stage, sink)
  return grouping.group(stage.keys, stage.items, stage.schema, stage.input, sink)
end

function open.distinct(stage, sink)
  return grouping.distinct(stage.keys, sink)
end

function open.join(stage, sink)
  return join.stage(stage, sink)
end

function open.select(stage, sink)
  local items, schema, push = stage.items, stage.schema, sink.row
  local count = #items
  return {
    row = function(one)
      local values = {}
      for i = 1, count do
        local item = items[i]
        values[item.name] = item.value(one)
      end
      return push(record.new(schema, values))
    end,
    finish = sink.finish,
  }
end

local function identity(one)
  return one
end
local KEPT = { save = function(one) return one:keep() end, load = identity }
local RECORDS = { save = identity, load = identity }

-- Rows of a set, saved by their address and lent again by two cursors in turn.
local function cursors(collected)
  local one, lent = row.cursor(collected)
  local other, other_lent = row.cursor(collected)
  return {
    save = row.address,
    load = function(address)
      lent.row, other_lent.row = row.at(address), nil
      one, lent, other, other_lent = other, other_lent, one, lent
      return other
    end,
    close = function()
      lent.row, other_lent.row = nil, nil
    end,
  }
end

local MAKES_RECORDS = { group = true, select = true, join = true }

-- The first stage of a chain that ends in `sink`, the joins in it, and whether a stage saves rows of
-- `input`.
local function build(stages, sink, input)
  local inputs = {}
  local saves = false
  for i, stage in ipairs(stages) do
    inputs[i] = input
    saves = saves or (stage.kind == "sort" and input ~= RECORDS)
    if MAKES_RECORDS[stage.kind] and stage.how ~= "anti" and stage.how ~= "semi" then
      input = RECORDS
    end
  end
  local starts = {}
  for i = #stages, 1, -1 do
    local stage, following = stages[i], stages[i + 1]
    -- sort + limit keep only what will be shown.
    if stage.kind == "sort" and following and following.kind == "limit" then
      stage = { items = stage.items, limit = following.count, kind = "sort" }
    end
    sink = open[stage.kind](stage, sink, inputs[i])
    if sink.start then
      table.insert(starts, 1, sink.start)
    end
  end
  return sink, starts, saves
end

local function run_list(list, stages, visit)
  local first, starts = build(stages, { row = visit, finish = function() end }, RECORDS)
  for _, start in ipairs(starts) do
    start()
  end
  for i = 1, #list do
    if first.row(list[i]) then
      break
    end
  end
  first.finish()
end

-- Row sets go while the walk goes on: what a stage saves it keeps.
local function run_stream(stream, stages, visit)
  local first, starts = build(stages, { row = visit, finish = function() end }, KEPT)
  for _, start in ipairs(starts) do
    start()
  end
  require("sockq.events").each(stream, first.row, first.finish)
end

local function has_limit_zero(stages)
  for _, stage in ipairs(stages) do
    if stage.kind == "limit" and stage.count == 0 then
      return true
    end
  end
  return false
end

--- Push rows through stages.
---@param source { collect: (fun(): userdata)|nil, list: table[]|nil, stream: table|nil }  what is read
---@param stages table[]
---@param visit fun(row): boolean?  true stops
function pipeline.run(source, stages, visit)
  if has_limit_zero(stages) then
    return
  elseif source.list then
    return run_list(source.list, stages, visit)
  elseif source.stream then
    return run_stream(source.stream, stages, visit)
  end
  local late
  -- Joins read their right side first, so the set is collected behind them.
  local input = {
    save = row.address,
    load = function(address)
      return late.load(address)
    end,
  }
  local first, starts, saves = build(stages, { row = visit, finish = function() end }, input)
  for _, start in ipairs(starts) do
    start()
  end
  local collected = source.collect()
  late = cursors(collected)
  set.each(collected, first.row, function()
    local ok, err = xpcall(first.finish, trace.note)
    -- Also of a walk that failed: a row that was kept must not be read behind its set.
    late.close()
    if not ok then
      error(err, 0)
    end
  end, not saves)
end

--- True if rows come out of these stages as they go in, and not only at the end.
function pipeline.streams(stages)
  for _, stage in ipairs(stages) do
    if stage.kind == "sort" or stage.kind == "group" then
      return false
    end
  end
  return true
end

return pipeline
