-- Sockets as they are closed: the kernel tells of each tcp and udp socket that it destroys, with its
-- last tcp_info (SKNLGRP_*_DESTROY of sock_diag(7)), to any user, of the namespace that sockq is in.
--
-- A query over them has no end of its own. Rows come in row sets of one subscription, one behind the
-- other; what is closed between two of them waits in the kernel. There is one subscription at a time.

local chain = require("sockq.chain")
local core = require("sockq.core")
local schema = require("sockq.schema")
local set = require("sockq.set")
local shortfall = require("sockq.shortfall")
local tables = require("sockq.tables")
local trace = require("sockq.trace")

local C = schema.C
local band, bor = bit.band, bit.bor
local MASK = tables.mask(tables.join({ "tcp", "udp" }))
local FOLLOW, DIAG_FLAGS = tonumber(C.SOCKQ_FOLLOW), tonumber(C.SOCKQ_DIAG_FLAGS)
-- Seconds between two messages on what was lost.
local TELL_EVERY = 5

local events = {}

--- True where Ctrl-C ends a walk as if there were no more rows: on the command line.
events.ends_at_interrupt = false

--- What is wrong with following here, nil if nothing is.
---@return string|nil  # "WHAT; REMEDY"
function events.wrong()
  local line = core.command_line()
  if not line then
    return "sockets are followed by the program sockq alone; run the script by sockq FILE.lua"
  elseif shortfall.recording or line.given.read then
    return "in a recording no socket is closed any more; leave --read out"
  elseif shortfall.proc_path or line.given.proc then
    return "in a captured tree no socket is closed any more; leave --proc out"
  elseif core.netns() then
    return "the kernel tells of the namespace that sockq is in; run it there: ip netns exec NAME sockq"
  end
  return nil
end

--- The query over sockets as they are closed that another query is over sockets that there are.
---@param query sockq.Query  over tables
---@return sockq.Query|nil query, string|nil message
function events.of(query)
  local wrong = events.wrong()
  if wrong then
    return nil, wrong
  end
  for _, group in ipairs(query.named or {}) do
    if band(tables.mask(group), MASK) == 0 then
      return nil, ("the kernel tells of tcp and udp sockets, not of %s; leave it out"):format(tables.list[group[1]].proto)
    end
  end
  local mask = band(query.tables, MASK)
  if mask == 0 then
    return nil, "the kernel tells of tcp and udp sockets alone; choose these"
  end
  return chain.derive(query, { tables = mask, states = 0, follows = true, named = chain.NONE })
end

local function collect(query, subscription)
  local flags = bor(band(query.flags, DIAG_FLAGS), FOLLOW)
  return set.collect(query.tables, 0, flags, nil, C.SOCKQ_SOURCE_DIAG, nil, subscription)
end

local function tell_lost(stream, is_last)
  local _, now = core.now()
  if stream.untold > 0 and (is_last or not stream.told_at or now - stream.told_at >= TELL_EVERY) then
    stream.told_at = now
    set.tell(("sock_diag: %s closed sockets were lost, they came faster than they were read; raise net.core.rmem_max"):format(
      stream.is_counted and ("%d"):format(stream.untold) or "some"))
    stream.untold = 0
  end
end

-- What a row set that has ended lost.
local function note(stream, collected, is_last)
  local handle = set.handle(collected)
  local problem = schema.problem(handle, handle.set.problems)
  while problem do
    if problem.reason == C.SOCKQ_BAD_OVERRUN then
      stream.is_counted = stream.is_counted and problem.line > 0
      stream.untold = stream.untold + math.max(1, problem.line)
      stream.lost = stream.lost + problem.line
    end
    problem = schema.problem(handle, problem.next)
  end
  set.note(collected)
  tell_lost(stream, is_last)
end

-- The next row set.
local function go_on(stream, collected)
  local handle = set.handle(collected)
  if handle.set.status == C.SOCKQ_SET_FAILED then
    return nil
  end
  return collect(stream.query, handle.set.question.subscription)
end

--- Follow a query's sockets: what is closed from here on is not missed.
---@param query sockq.Query
---@return table  # a stream, for each and iterate; lost: how many sockets so far
function events.open(query)
  local wrong = events.wrong()
  if wrong then
    error("events: " .. wrong, 0)
  end
  return { query = query, collected = collect(query), lost = 0, untold = 0, is_counted = true }
end

-- What was printed must not wait for the next socket.
local function idle_of(stream)
  local idle = stream.query.idle
  return function()
    if idle then
      idle()
    end
    io.stdout:flush()
  end
end

--- Call visit(cursor) for each socket that is closed, until it returns true.
---@param stream table
---@param visit fun(row: sockq.Row): boolean?
---@param finish fun()  called at the end, unless visit raised
function events.each(stream, visit, finish)
  local idle = idle_of(stream)
  local collected = stream.collected
  repeat
    local after
    local ok, stopped = xpcall(set.each, trace.note, collected, visit, nil, true, {
      idle = idle,
      ended = function(is_last)
        note(stream, collected, is_last)
        after = not is_last and go_on(stream, collected) or nil
      end,
    })
    if not ok and not (events.ends_at_interrupt and not core.timed_out() and core.take_interrupt()) then
      error(stopped, 0)
    end
    collected = ok and not stopped and after or nil
  until not collected
  finish()
end

--- A function that gives the next socket that is closed and for which accept(cursor) is true, as a row
--- of the caller's own.
---@param stream table
---@param accept (fun(row: sockq.Row): boolean)|nil
function events.iterate(stream, accept)
  local idle = idle_of(stream)
  local collected = stream.collected
  local following
  local function ended()
    note(stream, collected, false)
  end
  following = set.iterate(collected, accept, { idle = idle, ended = ended })
  return function()
    while true do
      local row = following()
      if row ~= nil then
        return row
      end
      collected = go_on(stream, collected)
      if not collected then
        return nil
      end
      following = set.iterate(collected, accept, { idle = idle, ended = ended })
    end
  end
end

return events
