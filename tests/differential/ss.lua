--- Compare the ss view with the real ss over captured trees: options, state words and filters, each
-- alone and together, standard output, standard error and status byte for byte.
--
--   tests/luajit luajit tests/differential/ss.lua --sockq PROGRAM [--seed N] [--lines N]
--
-- Most command lines run in this process, by the view's own function; those whose errors the C library
-- prints, or that need the program's start, run as programs. Under the message on a filter sockq has the
-- filter and a mark, which are looked at and left out.
local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = here .. "/?.lua;" .. here .. "/../lib/?.lua;lua/?.lua;lua/?/init.lua;" .. package.path

local check = require "check"
local lines = require "ss_lines"
local plans = require "ss_plans"
local posix = require "posix"
local random = require "random"
local tree = require "tree"

local set = { seed = 1, lines = 100 }
for i = 1, #arg, 2 do set[arg[i]:match "^%-%-(%a+)$" or ""] = tonumber(arg[i + 1]) or arg[i + 1] end
if not set.sockq then
  io.stderr:write("usage: ss.lua --sockq PROGRAM [--seed N] [--lines N]\n")
  os.exit(2)
end

local missing = plans.missing()
if missing then check.skip(missing) end
check.at_end(posix.cleanup)

local HEAD = [[
export LC_ALL=C HOME=/nonexistent XDG_CONFIG_HOME=/nonexistent
unset LANGUAGE POSIXLY_CORRECT SOCKQ_PATH
run() {
  number=$1; shift
  "$@" >"$results/$number.out" 2>"$results/$number.err" </dev/null
  echo $? >"$results/$number.status"
}
]]

--- Run a program with many argument lists, one shell for all.
---@param program string[]
---@param lists string[][]
---@param env table
local function batch(program, lists, env)
  local scratch = posix.tmpdir "sockq-ss"
  local text = { HEAD, "results=" .. posix.quote(scratch) }
  for i, list in ipairs(lists) do
    text[#text + 1] = ("run %d %s %s"):format(i, posix.quote_all(program), posix.quote_all(list))
  end
  posix.write_file(scratch .. "/batch.sh", table.concat(text, "\n") .. "\n")
  posix.run({ "sh", scratch .. "/batch.sh" }, { env = env, timeout = 240 })
  local answers = {}
  for i = 1, #lists do
    local prefix = scratch .. "/" .. i .. "."
    answers[i] = { status = tonumber(posix.read_file(prefix .. "status") or "-1"), out = posix.read_file(prefix .. "out"),
      err = posix.read_file(prefix .. "err") }
  end
  posix.remove_tree(scratch)
  return answers
end

--- Run the view here.
local function run_here(path, lists)
  local output, view = require "sockq.output", require "sockq.views.ss"
  local stderr = io.stderr
  require("sockq.set").open(path)
  local answers = {}
  for i, list in ipairs(lists) do
    local out, err = {}, {}
    output.captor = { write = function(text) out[#out + 1] = text end }
    rawset(io, "stderr", { write = function(_, text) err[#err + 1] = text end })
    local ok, status = pcall(view.run, list)
    output.captor = nil
    rawset(io, "stderr", stderr)
    answers[i] = { status = ok and status or -1, out = table.concat(out), err = table.concat(err) .. (ok and "" or status) }
  end
  return answers
end

-- The error text without the two lines that mark a mistake in a filter.
local function without_mark(err)
  return (err:gsub("[^\n]*\n *^\n$", ""))
end

local compared, differing = 0, 0

local function compare(name, lists, wants, gots)
  for i, list in ipairs(lists) do
    local want, got = wants[i], gots[i]
    local err = got.err == want.err and got.err or without_mark(got.err)
    compared = compared + 1
    if want.status == got.status and want.out == got.out and want.err == err then
      check.pass()
    else
      differing = differing + 1
      check.fail(("%s: ss %s"):format(name, table.concat(list, " "):sub(1, 500)), want.status ~= got.status
        and ("status %s, ss has %s: %s"):format(got.status, want.status, check.show(got.err))
        or want.out ~= got.out and plans.difference(want.out, got.out) or plans.difference(want.err, err))
    end
  end
end

local function real(path, lists)
  return batch({ "ss" }, lists, { PROC_ROOT = path })
end

local function joined(...)
  local list = {}
  for _, part in ipairs { ... } do
    for _, word in ipairs(part) do list[#list + 1] = word end
  end
  return list
end

local OPTIONS, STATES, FILTERS = lines.lists(lines.OPTIONS), lines.lists(lines.STATES), lines.lists(lines.FILTERS)

-- What this process cannot tell as the program does: the C library prints an error to standard error
-- itself, and files are opened before Lua runs.
local function needs_program(list)
  for _, word in ipairs(list) do
    if word:find "^%-[^-]*[BUQFNDfA]$" or word:find "^%-%-[tnb]" or word:find "^%-[NFD]" or word == "cgroup" then
      return true
    end
  end
  return false
end

local function every_line()
  local here_lists, program_lists = {}, {}
  local function add(list)
    local into = needs_program(list) and program_lists or here_lists
    into[#into + 1] = list
  end
  for _, list in ipairs(OPTIONS) do
    -- -D is refused.
    if list[1] ~= "-D" then add(list) end
  end
  for _, list in ipairs(STATES) do
    add(list)
    add(joined({ "-tuna" }, list))
  end
  for _, list in ipairs(FILTERS) do add(joined({ "-an" }, list)) end
  return here_lists, program_lists
end

-- Many filters over few rows.
local function every_filter()
  local lists = {}
  for _, list in ipairs(lines.filters()) do lists[#lists + 1] = joined({ "-anH" }, list) end
  lists[#lists + 1] = lines.long(10000)
  -- Groups in groups, and one further than bison goes.
  for _, count in ipairs { 500, 9991 } do
    local nested = { "-tan" }
    for _ = 1, count do
      for word in ("( not sport 22 or"):gmatch "%S+" do nested[#nested + 1] = word end
    end
    nested[#nested + 1] = "autobound"
    for _ = 1, count do nested[#nested + 1] = ")" end
    lists[#lists + 1] = nested
  end
  return lists
end

-- Options that choose tables or change what is shown, and nothing that ends the run.
local CHOOSING = {}
for _, list in ipairs(OPTIONS) do
  local line = table.concat(list, " ")
  if not line:find "[BUQDhVvZzsF]" and not line:find "nope" and not line:find "%-%-" and not line:find "^%-[fA]$"
    and not line:find ",," and not line:find "!$" and not line:find "TCP" and not line:find "%-N" then
    CHOOSING[#CHOOSING + 1] = list
  end
end

local function random_lines(rng, count)
  local lists = {}
  while #lists < count do
    local states = rng:chance(0.3) and rng:pick(STATES) or {}
    local filter = rng:pick(FILTERS)
    if rng:chance(0.4) then
      filter = joined(filter, { rng:pick { "and", "or", "&", "||" } }, rng:chance(0.3) and { "not" } or {}, rng:pick(FILTERS))
    end
    local list = joined(rng:pick(CHOOSING), states, filter)
    local line = table.concat(list, " ")
    -- ss itself ends by a signal where a unix name is looked for in rows of another family.
    local crashes = line:find "unix:" and (line:find "inet" or line:find "link:" or line:find "netlink:" or line:find "vsock:")
      or line:find "unix" and line:find "%-[46]" or line:find "%-f? ?x" and line:find ":"
    if not crashes and not needs_program(list) then lists[#lists + 1] = list end
  end
  return lists
end

local root = posix.tmpdir "sockq-t"
local rng = random.new(set.seed)
local made = root .. "/made"
lines.make_tree(made)

local here_lists, program_lists = every_line()
compare("made", here_lists, real(made, here_lists), run_here(made, here_lists))
compare("made", program_lists, real(made, program_lists),
  batch({ set.sockq, "--proc", made, "ss" }, program_lists, {}))

-- What is run once takes less time than LuaJIT's work on it.
local filters = every_filter()
jit.off()
compare("made", filters, real(made, filters), run_here(made, filters))
jit.on()

local more = random_lines(rng, set.lines)
compare("made", more, real(made, more), run_here(made, more))

for _, name in ipairs { "mixed-1", "mixed-2", "centos7-seed" } do
  local path = root .. "/" .. name
  lines.copy_tree(here .. "/../data/captures/" .. name .. "/proc", path)
  local lists = random_lines(rng, math.floor(set.lines / 5))
  compare(name, lists, real(path, lists), run_here(path, lists))
end
for i = 1, 2 do
  local path = root .. "/" .. i
  tree.make(path .. "-whole", set.seed * 10 + i)
  lines.copy_tree(path .. "-whole", path)
  local lists = random_lines(rng, math.floor(set.lines / 5))
  compare("tree " .. i, lists, real(path, lists), run_here(path, lists))
end

io.stdout:write(("ss: %d command lines compared, %d differing\n"):format(compared, differing))
check.finish()
