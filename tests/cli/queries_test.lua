--- Random queries on the command line, compared with what a program without sockq computes from the same
--- captured text (tests/lib/queries_oracle.py).
--
--   luajit tests/cli/queries_test.lua --sockq PATH [--seed N] [--queries N]    from the root of the tree
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"
local cjson = require "cjson"

local seed, count = 1, 120
for i, word in ipairs(arg) do
  if word == "--seed" then seed = tonumber(arg[i + 1]) end
  if word == "--queries" then count = tonumber(arg[i + 1]) end
end
print("seed " .. seed)
check.at_end(posix.cleanup)

local state = seed % 2147483646 + 1
local function random(n)
  state = (state * 16807) % 2147483647
  return state % n + 1
end
local function one_of(list) return list[random(#list)] end

local NUMBERS = { "local_port", "remote_port", "recv_q", "send_q", "expires", "retrans", "uid" }
local WORDS = { "proto", "state", "timer", "family", "local_addr", "remote_addr" }
local VALUES = {
  state = { "ESTABLISHED", "TIME_WAIT", "LISTEN", "SYN_RECV", "UNCONN", "CLOSE_WAIT" },
  proto = { "tcp", "tcp6", "udp", "udp6" }, timer = { "off", "on", "keepalive", "timewait", "probe" },
  family = { "inet", "inet6" }, local_addr = { "127.0.0.1", "0.0.0.0", "::1", "::" },
  remote_addr = { "127.0.0.1", "0.0.0.0", "::1", "::" },
}
local LIMITS = { local_port = 9000, remote_port = 60000, recv_q = 5000, send_q = 20000, expires = 70, retrans = 4, uid = 1100 }
local NETS = { "10.0.0.0/8", "192.168.0.0/16", "127.0.0.0/8", "2001:db8::/32", "0.0.0.0/0", "255.255.255.0/24" }

--- A condition: what the oracle takes, and what is typed.
local function condition()
  local kind = random(10)
  if kind == 1 then
    local field, net = one_of { "local_addr", "remote_addr" }, one_of(NETS)
    return { field, "within", net }, ("within(%s, %q)"):format(field, net)
  elseif kind == 2 then
    local field, is_nil = one_of(NUMBERS), random(2) == 1
    return { field, "nil", is_nil }, ("%s %s nil"):format(field, is_nil and "==" or "~=")
  elseif kind <= 5 then
    local field = one_of(WORDS)
    local op, value = one_of { "==", "~=" }, one_of(VALUES[field])
    return { field, op, value }, ("%s %s %q"):format(field, op, value)
  end
  local field = one_of(NUMBERS)
  local op, value = one_of { "==", "~=", "<", "<=", ">", ">=" }, random(LIMITS[field]) - 1
  return { field, op, value }, ("%s %s %d"):format(field, op, value)
end

local function some(most, pool)
  local list, seen = {}, {}
  for _ = 1, random(most) do
    local item = one_of(pool)
    if not seen[item] then list[#list + 1], seen[item] = item, true end
  end
  return list
end

--- -s of some columns, in full so that the order is one: the oracle sorts stably, and so do we.
local function order(columns)
  local sort, words = {}, {}
  for i, column in ipairs(some(2, columns)) do
    local descends = random(2) == 1
    sort[i], words[i] = { column, descends }, (descends and "-" or "") .. column
  end
  return sort, words
end

local AGGS = { "count", "sum", "avg", "min", "max", "first", "distinct", "p50", "p90", "p99" }

local function query(tables)
  local asked = { where = {}, group = {}, aggs = {}, limit = cjson.null }
  local words, groups = { "--from", tables, "-f", "csv" }, random(5) <= 3
  for i = 1, random(3) - 1 do
    local text
    asked.where[i], text = condition()
    words[#words + 1] = text
  end
  if groups then
    local texts = {}
    asked.group = some(2, { "proto", "state", "timer", "family", "local_addr", "remote_addr", "local_port", "uid", "retrans" })
    local seen = {}
    for _ = 1, random(3) do
      local name = one_of(AGGS)
      local field = name ~= "count" and one_of(name == "distinct" and WORDS or NUMBERS) or nil
      local column = name .. (field and "_" .. field or "")
      if not seen[column] then
        seen[column] = true
        asked.aggs[#asked.aggs + 1] = { name, field or cjson.null }
        texts[#texts + 1] = field and ("%s=%s(%s)"):format(column, name, field) or "count"
      end
    end
    words[#words + 1], words[#words + 2] = "-g", table.concat(asked.group, ",")
    words[#words + 1], words[#words + 2] = "-A", table.concat(texts, ", ")
    asked.columns = { unpack(asked.group) }
    for _, agg in ipairs(asked.aggs) do
      asked.columns[#asked.columns + 1] = agg[1] .. (agg[2] ~= cjson.null and "_" .. agg[2] or "")
    end
  else
    asked.columns = some(5, { "proto", "state", "local_addr", "local_port", "remote_addr", "remote_port", "recv_q", "send_q",
      "expires", "retrans", "uid", "timer" })
  end
  local keys
  asked.sort, keys = order(asked.columns)
  words[#words + 1], words[#words + 2] = "-s", table.concat(keys, ",")
  words[#words + 1], words[#words + 2] = "-c", table.concat(asked.columns, ",")
  if random(3) == 1 then
    asked.limit = random(8)
    words[#words + 1], words[#words + 2] = "-L", tostring(asked.limit)
  end
  for _, key in ipairs { "where", "group", "aggs" } do
    if #asked[key] == 0 then asked[key] = cjson.decode("[]") end
  end
  return asked, words
end

-- Of empty lists cjson makes objects.
local function json(queries)
  return (cjson.encode(queries):gsub('"(%l+)":{}', '"%1":[]'))
end

local function cells(line)
  local list = {}
  -- No text of these tables has a comma or a quote; a lone column is quoted.
  for cell in (line .. ","):gmatch("([^,]*),") do list[#list + 1] = cell:match('^"(.*)"$') or cell end
  return list
end

local function same_cell(got, want)
  if want == cjson.null then return got == "" end
  if type(want) == "number" then
    local number = tonumber(got)
    return number ~= nil and math.abs(number - want) <= 1e-9 * math.max(1, math.abs(want))
  end
  return got == want
end

local with_rows = 0
for _, tree in ipairs { "centos7-seed", "mixed-1", "mixed-2" } do
  tree = "tests/data/captures/" .. tree .. "/proc"
  local asked, words = {}, {}
  -- A table that is named and missing would be told.
  local tables = posix.exists(tree .. "/net/udp") and "tcp,udp" or "tcp"
  for i = 1, count do asked[i], words[i] = query(tables) end
  local status, out, err = posix.run({ "python3", "tests/lib/queries_oracle.py", tree }, { stdin = json(asked), timeout = 60 })
  check.equal(tree .. ": the other program", status .. err, "0")
  for i, want in ipairs(cjson.decode(out)) do
    local name = tree .. ": sockq '" .. table.concat(words[i], "' '") .. "'"
    local argv = { "--proc", tree }
    for _, word in ipairs(words[i]) do argv[#argv + 1] = word end
    local got_status, got, got_err = program.run(argv)
    check.equal(name .. ": status", got_status .. got_err, #want > 0 and "0" or "1")
    local lines = {}
    for line in got:gmatch("([^\r\n]*)\r\n") do lines[#lines + 1] = line end
    check.equal(name .. ": rows", #lines - 1, #want)
    with_rows = with_rows + (#want > 0 and 1 or 0)
    for at, row in ipairs(want) do
      local shown, wrong = cells(lines[at + 1] or ""), nil
      for column, value in ipairs(row) do
        if not same_cell(shown[column] or "?", value) then
          wrong = wrong or ("column %s: %s, not %s"):format(asked[i].columns[column], tostring(shown[column]), tostring(value))
        end
      end
      check.ok(("%s: row %d"):format(name, at), not wrong, wrong)
    end
  end
end
check.ok("half of the queries have rows", with_rows * 2 > 3 * count, with_rows .. " of " .. 3 * count)
print(with_rows .. " queries with rows, of " .. 3 * count)
check.finish()
