-- What each verb costs: sockq --proc TREE tests/bench/verbs.lua ROWS [ROUNDS]
--
-- Processor time of the interpreter, the median of some rounds, less that of a walk which reads one field of each
-- row: the first touch of a row's memory costs more than most verbs, and is paid once whatever is asked. Both
-- walks are given too. Prints a line a verb: name, tab, ns a row.
local rows, rounds = tonumber(arg[1]), tonumber(arg[2] or 15)

local function nothing() end
local tcp = sockq.tcp()

-- A condition on the state alone would narrow what is collected: these look at every row.
local cases = {
  { "where: a number", function() tcp:where("recv_q > 50000"):each(nothing) end },
  { "where: a state, as a function", function() tcp:where(function(s) return s.state == "ESTABLISHED" end):each(nothing) end },
  { "where: within(remote_addr, …)", function() tcp:where('within(remote_addr, "192.0.1.0/24")'):each(nothing) end },
  { "group by state", function() tcp:group("state"):each(nothing) end },
  { "group by local_port", function() tcp:group("local_port"):each(nothing) end },
  { "group by remote_addr (4096 of them)", function() tcp:group("remote_addr"):each(nothing) end },
  { "group by state, sum and max", function() tcp:group("state"):agg("count, sum(recv_q), max(expires)"):each(nothing) end },
  { "sort by recv_q, limit 10", function() tcp:sort("-recv_q"):limit(10):each(nothing) end },
  { "sort by recv_q", function() tcp:sort("-recv_q"):each(nothing) end },
  { "distinct local_port", function() tcp:distinct("local_port"):each(nothing) end },
  { "select two columns", function() tcp:select("state, wait=60-expires"):each(nothing) end },
  { "p99 of recv_q", function() tcp:agg("p99(recv_q)"):each(nothing) end },
}

local function once(run)
  collectgarbage()
  local start = os.clock()
  run()
  return (os.clock() - start) * 1e9 / rows
end

local function median(list)
  table.sort(list)
  return list[math.floor(#list / 2) + 1]
end

-- In turn, so that a machine that slows down slows all of them.
local total = 0
local function read_one()
  tcp:each(function(s) total = total + s.recv_q end)
end

local bare, walks, times = {}, {}, {}
for round = 0, rounds do
  local untouched, walk = once(function() tcp:each(nothing) end), once(read_one)
  if round > 0 then bare[round], walks[round] = untouched, walk end
  for i, case in ipairs(cases) do
    local time = once(case[2])
    times[i] = times[i] or {}
    if round > 0 then times[i][round] = time end
  end
end

local walk = median(walks)
print(("walk: nothing done\t%.1f"):format(median(bare)))
print(("walk: one field of each row read\t%.1f"):format(walk))
for i, case in ipairs(cases) do
  print(("%s\t%.1f"):format(case[1], math.max(0, median(times[i]) - walk)))
end
