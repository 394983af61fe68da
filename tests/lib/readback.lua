--- What formats printed, read back by another program: readback.py, jq, promtool, luajit.
--
--   readback.compare("csv", "a name", names, rows, text)       rows: lists of values, nil is unknown

local check = require "check"
local posix = require "posix"

local readback = {}

local function bytes(text)
  return "b'" .. text:gsub("[^%w ]", function(byte) return ("\\x%02x"):format(byte:byte()) end) .. "'"
end

local literal

local function list(values, count)
  local parts = {}
  for i = 1, count do parts[i] = literal(values[i]) end
  return "[" .. table.concat(parts, ", ") .. "]"
end

--- A value as a Python literal; texts are bytes.
function literal(value)
  local kind = type(value)
  if kind == "nil" then return "None"
  elseif kind == "boolean" then return value and "True" or "False"
  elseif kind == "string" then return bytes(value)
  elseif kind == "number" then
    if value ~= value then return '("nan",)' end
    if value == math.huge or value == -math.huge then return ('("%s",)'):format(value > 0 and "inf" or "-inf") end
    return value % 1 == 0 and math.abs(value) <= 2 ^ 53 and ("%.0f"):format(value) or ("%.17g"):format(value)
  elseif value[1] ~= nil or next(value) == nil then return list(value, #value) end
  local parts = {}
  for key, item in pairs(value) do parts[#parts + 1] = ("'%s': %s"):format(key, literal(item)) end
  return "{" .. table.concat(parts, ", ") .. "}"
end

--- The lines that readback.py reads.
---@param names string[]
---@param rows table[]  of #names values
---@return string
function readback.rows(names, rows)
  local lines = { list(names, #names) }
  for i, row in ipairs(rows) do lines[i + 1] = list(row, #names) end
  return table.concat(lines, "\n") .. "\n"
end

local dir
local function file(name, text)
  dir = dir or posix.tmpdir("sockq-readback")
  local path = dir .. "/" .. name
  posix.write_file(path, text)
  return path
end

--- A tool that scripts/bootstrap installs must be there.
---@param argv string[]
---@return integer status, string out, string err
function readback.tool(argv, stdin)
  local status, out, err = posix.run(argv, { stdin = stdin, timeout = 120 })
  if status == 127 then
    check.fail(argv[1] .. " is missing", "scripts/bootstrap installs it\n" .. err)
  end
  return status, out, err
end

--- A format's output holds these rows, by readback.py.
---@param rows table[]|string  or the text that readback.rows makes
function readback.compare(format, name, names, rows, text)
  local want = type(rows) == "string" and rows or readback.rows(names, rows)
  local status, out, err = readback.tool({ "python3", "-I", "tests/lib/readback.py", format, file("rows", want),
    file("output", text) })
  check.ok(("%s, %s: read back"):format(format, name), status == 0, out .. err)
end

local function same(got, want)
  if type(want) ~= "table" or type(got) ~= "table" then
    return got == want or (got ~= got and want ~= want and got ~= nil and want ~= nil)
  end
  for key, value in pairs(want) do
    if not same(got[key], value) then return false end
  end
  for key in pairs(got) do
    if want[key] == nil then return false end
  end
  return true
end

--- The lua format's output loads and gives these rows.
function readback.compare_lua(name, names, rows, text)
  local chunk, err = loadstring(text, "=output")
  if not check.ok("lua, " .. name .. ": loads", chunk, err) then return end
  setfenv(chunk, { ipairs = ipairs })
  local got = chunk()
  check.equal("lua, " .. name .. ": rows", #got, #rows)
  local wrong = {}
  for i, row in ipairs(rows) do
    local want = {}
    for k, key in ipairs(names) do want[key] = row[k] end
    if not same(got[i], want) then wrong[#wrong + 1] = i end
  end
  check.equal("lua, " .. name .. ": rows that differ", table.concat(wrong, " "), "")
end

--- jq reads the output as so many values.
function readback.count_by_jq(name, text, count, filter)
  local status, out, err = readback.tool({ "jq", "-s", filter or "length", file("output", text) })
  check.equal(name .. ": jq", status .. err .. out, "0" .. count .. "\n")
end

--- Samples of the exposition format, checked by promtool: { [metric] = { [labels] = value } }, labels
--- as they stand; and the metrics in their order.
---@return table<string, table<string, string>> samples, string[] metrics
function readback.samples(name, text)
  local status, out, err = readback.tool({ "promtool", "check", "metrics" }, text)
  check.equal(name .. ": promtool", status .. out .. err, "0")
  local samples, metrics, current, helped = {}, {}, nil, nil
  for line in text:gmatch("([^\n]*)\n") do
    local help = line:match("^# HELP (%S+) .")
    local typed, kind = line:match("^# TYPE (%S+) (%a+)$")
    local metric, labels, value = line:match("^([%a_:][%w_:]*)({.*}) (%S+)$")
    if not metric then metric, value = line:match("^([%a_:][%w_:]*) (%S+)$") end
    if help then helped = help
    elseif typed then
      check.equal(name .. ": HELP before TYPE", helped, typed)
      check.equal(name .. ": type", kind, "gauge")
      check.equal(name .. ": a metric stands once", samples[typed], nil)
      current, samples[typed] = typed, {}
      metrics[#metrics + 1] = typed
    elseif check.ok(name .. ": a sample", metric and metric == current, line) then
      labels = labels or ""
      check.equal(name .. ": a series stands once: " .. line, samples[metric][labels], nil)
      samples[metric][labels] = value
    end
  end
  return samples, metrics
end

return readback
