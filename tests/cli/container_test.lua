--- Units, containers, runtimes and pods of socket owners through the program: a tree with a process for
--- each text in tests/data/cgroup, read, recorded and read back, grouped.
--
--   luajit tests/cli/container_test.lua --sockq PATH        from the root of the tree
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"
local tree = require "tree_of"

check.at_end(posix.cleanup)

local HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
local ROW = "%4d: 0100007F:%04X 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 %d 1 0 100 0 0 10 0\n"

local files, rows, want = {}, { HEAD }, {}
for line in io.lines("tests/data/cgroup/expected.tsv") do
  local name, rest = line:match("^([^\t]*)\t(.*)$")
  if name ~= "file" then
    local pid = 100 + #want
    files[pid .. "/cgroup"] = posix.read_file("tests/data/cgroup/" .. name)
    files[pid .. "/cmdline"] = "/bin/" .. name .. "\0"
    files[pid .. "/fd/3"] = { link = ("socket:[%d]"):format(5000 + pid) }
    rows[#rows + 1] = ROW:format(#want, pid, 5000 + pid)
    want[#want + 1] = name .. "\t" .. rest
  end
end
-- One process without a cgroup file, one socket without a process.
files["99/cmdline"], files["99/fd/3"] = "/bin/none\0", { link = "socket:[5099]" }
rows[#rows + 1] = ROW:format(#want, 99, 5099)
rows[#rows + 1] = ROW:format(#want + 1, 98, 5098)
want[#want + 1], want[#want + 2] = "none\t\t\t\t", "\t\t\t\t"
files["net/tcp"] = table.concat(rows)
local root = tree.make(files)

local COLUMNS = { "--from", "tcp", "-c", "program,unit,container,runtime,pod", "-f", "csv", "--no-header" }
local function cells(out)
  local list = {}
  for line in out:gmatch("([^\r\n]*)\r\n") do list[#list + 1] = line:gsub(",", "\t") end
  return list
end

local recorded = root .. "/record"
local status, _, err = program.run({ "--proc", root, "record", recorded })
check.equal("record", status .. err, "0")

for title, from in pairs { ["a tree"] = { "--proc", root }, ["a recording"] = { "--read", recorded } } do
  local function run(words)
    local argv = { unpack(from) }
    for _, word in ipairs(words) do argv[#argv + 1] = word end
    return program.run(argv)
  end
  local code, out, told = run(COLUMNS)
  check.equal(title .. ": status", code .. told, "0")
  local got = cells(out)
  check.equal(title .. ": rows", #got, #want)
  for i, line in ipairs(want) do check.equal(title .. ": " .. line:match("^[^\t]*"), got[i], line) end

  -- Groups by each field: how often each value stands in the expected rows.
  for column, field in ipairs { "unit", "container", "runtime", "pod" } do
    local counts = {}
    for _, line in ipairs(want) do
      local parts = {}
      for part in (line .. "\t"):gmatch("([^\t]*)\t") do parts[#parts + 1] = part end
      counts[parts[column + 1]] = (counts[parts[column + 1]] or 0) + 1
    end
    code, out, told = run { "--from", "tcp", "-g", field, "-f", "csv", "--no-header" }
    check.equal(("%s: -g %s: status"):format(title, field), code .. told, "0")
    local groups = cells(out)
    for _, line in ipairs(groups) do
      local value, count = line:match("^(.*)\t(%d+)$")
      check.equal(("%s: -g %s: %s"):format(title, field, value), tonumber(count), counts[value])
      counts[value] = nil
    end
    check.ok(("%s: -g %s: every group is there"):format(title, field), next(counts) == nil, tostring(next(counts)))
  end

  -- Conditions, among them on unknown values.
  for expression, expected in pairs {
    ["runtime == 'docker'"] = "runtime\tdocker", ["container == nil"] = "container\t", ["pod ~= nil and runtime == nil"] = "both",
  } do
    local count = 0
    for _, line in ipairs(want) do
      local container, runtime, pod = line:match("^[^\t]*\t[^\t]*\t([^\t]*)\t([^\t]*)\t([^\t]*)$")
      local holds = expected == "both" and pod ~= "" and runtime == ""
        or expected == "runtime\tdocker" and runtime == "docker" or expected == "container\t" and container == ""
      count = count + (holds and 1 or 0)
    end
    code, out = run { "--from", "tcp", expression, "-A", "count", "-f", "csv", "--no-header" }
    check.equal(("%s: %s"):format(title, expression), code .. out, ("0%d\r\n"):format(count))
  end
end

check.finish()
