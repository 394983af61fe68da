--- The differential test: `sockq --proc TREE netstat ARGS` against the real netstat.
--
--   luajit tests/differential/run.lua --sockq PATH
--     --seed N      repeat an earlier run (the seed is the first line of the output)
--     --trees N     random trees, default 12
--     --options N   argument lists a random tree, default 30; captures get all of the fixed ones
--     --tree DIR    compare over this tree only, with all fixed argument lists
--     --keep        do not remove the trees
--
-- stdout and exit status must be equal byte for byte; stderr too, but for the program's own name
-- at the start of a line. Exit status: 0 equal, 1 not, 2 usage, 77 no namespaces or no netstat.

local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = here .. "/?.lua;" .. here .. "/../lib/?.lua;" .. package.path

local check = require "check"
local options = require "options"
local oracle = require "oracle"
local posix = require "posix"
local random = require "random"
local tree = require "tree"

--- Failures that are shown with a diff; later ones get one line each.
local SHOWN = 20

local CAPTURES = { "centos7-seed", "mixed-1", "mixed-2" }

local function usage(why)
  io.stderr:write("run.lua: ", why, "\nusage: luajit run.lua --sockq PATH [--seed N] [--trees N]",
    " [--options N] [--tree DIR] [--keep]\n")
  os.exit(2)
end

local function parse(words)
  local set = { trees = 12, options = 30, seed = os.time() % 1000000 }
  local i = 1
  while i <= #words do
    local name = words[i]:match("^%-%-(%a+)$")
    if name == "keep" then set.keep = true
    elseif name == "sockq" or name == "tree" then
      i = i + 1
      set[name] = words[i] or usage("--" .. name .. " needs a value")
    elseif name == "seed" or name == "trees" or name == "options" then
      i = i + 1
      set[name] = tonumber(words[i]) or usage("--" .. name .. " needs a number")
    else usage("unknown argument " .. words[i]) end
    i = i + 1
  end
  if not set.sockq then usage("--sockq is missing") end
  if set.sockq:find("/", 1, true) then
    set.sockq = posix.realpath(set.sockq) or usage("there is no " .. set.sockq)
  end
  return set
end

local set = parse(arg)
local failures, compared = 0, 0
local kinds = {}

--- What each stream said, as a diff.
local function explain(want, got, what)
  local parts = {}
  for _, kind in ipairs(what) do
    if kind == "status" then
      parts[#parts + 1] = ("status: netstat %d, sockq %d"):format(want.status, got.status)
    elseif kind == "stdout" then
      parts[#parts + 1] = "stdout differs:\n" .. oracle.diff(want.out, got.out)
    elseif kind == "stderr" then
      parts[#parts + 1] = "stderr differs:\n" .. oracle.diff(want.err, got.err)
    else
      parts[#parts + 1] = "sockq crashed or hung: " .. check.show(got.err)
    end
  end
  return table.concat(parts, "\n")
end

--- Count one difference and show it.
local function report(title, want, got, what)
  failures = failures + 1
  for _, kind in ipairs(what) do kinds[kind] = (kinds[kind] or 0) + 1 end
  if failures <= SHOWN then check.fail(title, explain(want, got, what))
  else check.fail(title .. "  (" .. table.concat(what, ", ") .. ")") end
end

--- Compare both programs over one tree.
---@return table   # netstat's answers
---@return table   # sockq's answers
---@return boolean # all equal
local function compare(name, path, lists)
  local wants = oracle.netstat(path, lists)
  local gots = oracle.sockq(set.sockq, path, lists)
  local equal = true
  for i, list in ipairs(lists) do
    local what = oracle.differences(wants[i], gots[i])
    compared = compared + 1
    if #what == 0 then
      check.pass()
    else
      equal = false
      report(("%s: sockq --proc %s netstat %s"):format(name, path, options.key(list)), wants[i],
        gots[i], what)
    end
  end
  return wants, gots, equal
end

--- Half fixed lists, taken in turn by the trees so that all are used, and half random ones.
local function lists_of_tree(fixed, start, rng)
  local lists, seen = {}, {}
  local function add(list)
    local key = options.key(list)
    if seen[key] then return end
    seen[key] = true
    lists[#lists + 1] = list
  end
  for i = 0, math.ceil(set.options / 2) - 1 do add(fixed[(start + i) % #fixed + 1]) end
  for _ = 1, 20 * set.options do
    if #lists >= set.options then break end
    add(options.random(rng))
  end
  return lists
end

local function random_trees(fixed)
  local root = posix.tmpdir("sockq-trees")
  local kept = set.keep
  for i = 1, set.trees do
    local path = ("%s/%02d"):format(root, i)
    local seed = set.seed * 1000 + i
    local what = tree.make(path, seed, i == 2)
    local start = (i - 1) * math.ceil(set.options / 2)
    local wants, _, equal = compare("tree " .. i, path,
      lists_of_tree(fixed, start, random.new(seed + 500)))
    -- a tree with a row that netstat does not understand would test less than it seems to
    for _, want in ipairs(wants) do
      if want.err:find("bogus", 1, true) then
        check.fail("tree " .. i .. " is not well formed: " .. path, want.err)
        equal = false
        break
      end
    end
    if not equal then
      io.stdout:write("  tree ", i, " holds ", what, "\n")
      kept = true
    elseif not set.keep then
      posix.remove_tree(path)
    end
  end
  if kept then
    posix.keep(root)
    io.stdout:write("trees kept in ", root, "\n")
  end
end

--- The words of a recorded listing: netstat-antpo.txt is `netstat -antpo`.
local function recorded_lists(folder)
  local lists = {}
  for _, file in ipairs(posix.list(folder)) do
    local flags = file:match("^netstat(%-%w+)%.txt$")
    if flags then lists[#lists + 1] = { flags } end
  end
  return lists
end

local function captures(fixed)
  for _, name in ipairs(CAPTURES) do
    local folder = here .. "/../data/captures/" .. name
    local path = posix.realpath(folder .. "/proc")
    if not check.ok("capture " .. name .. " is there", path) then return end
    compare(name, path, fixed)
    local lists = recorded_lists(folder .. "/expected")
    check.ok("capture " .. name .. " has recorded listings", #lists > 0)
    local wants, gots = compare(name, path, lists)
    for i, list in ipairs(lists) do
      local text = posix.read_file(folder .. "/expected/netstat" .. list[1] .. ".txt")
      -- a listing with names holds only where the machine has the same names
      if not options.needs_names(list) or wants[i].out == text then
        -- where netstat still prints the record, compare() has shown the difference
        check.ok(name .. ": recorded netstat" .. list[1], gots[i].out == text,
          wants[i].out ~= text and oracle.diff(text, gots[i].out) or nil)
      else
        io.stdout:write("not compared: ", name, " netstat", list[1],
          ".txt, other names on this machine\n")
      end
    end
  end
end

io.stdout:write("seed ", set.seed, "\n")
check.at_end(posix.cleanup)
local missing = oracle.missing()
if missing then check.skip(missing) end

local fixed = options.fixed()
if set.tree then
  local path = posix.realpath(set.tree) or usage("there is no " .. set.tree)
  compare(set.tree, path, fixed)
else
  random_trees(fixed)
  captures(fixed)
end
for kind, count in pairs(kinds) do io.stdout:write(kind, " differs: ", count, "\n") end
io.stdout:write(("netstat: %d command lines compared, %d differing\n"):format(compared, failures))
check.finish()
