--- What is easily got wrong about netstat's output, one small tree each.
--
--   luajit tests/differential/traps.lua --sockq PATH [--only N]
--
-- A case says what netstat must print, literally, so that two empty outputs cannot agree; the
-- real netstat is held to it as well, then sockq is compared with netstat byte for byte. A run with
-- a `sockq` table is a wanted difference: that table says what sockq must do instead.
-- Exit status: 0 all as expected, 1 not, 2 usage, 77 no namespaces or no netstat.

local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = here .. "/?.lua;" .. here .. "/../lib/?.lua;" .. package.path

local check = require "check"
local oracle = require "oracle"
local posix = require "posix"

local GROUPS = { "filters", "addresses", "columns", "owners", "input" }

local function parse(words)
  local set = {}
  for i = 1, #words, 2 do
    local name = words[i]:match("^%-%-(%a+)$")
    if name ~= "sockq" and name ~= "only" or not words[i + 1] then
      io.stderr:write("usage: luajit traps.lua --sockq PATH [--only N]\n")
      os.exit(2)
    end
    set[name] = words[i + 1]
  end
  if not set.sockq then
    io.stderr:write("traps.lua: --sockq is missing\n")
    os.exit(2)
  end
  if set.sockq:find("/", 1, true) then set.sockq = posix.realpath(set.sockq) or set.sockq end
  return set
end

local set = parse(arg)
local skipped = 0

--- Make the files of a case: text, or { link = target }.
local function make_tree(files)
  local root = posix.tmpdir("sockq-trap")
  posix.mkdir(root .. "/net")
  for name, content in pairs(files) do
    local path = root .. "/" .. name
    posix.mkdirs(path:match("^(.*)/"))
    if type(content) == "table" then posix.symlink(content.link, path)
    else posix.write_file(path, content) end
  end
  return root
end

--- Names of the machine's resolver files that the case wants replaced.
local function etc_of(case)
  if not case.etc then return nil end
  local etc = {}
  for name, text in pairs(case.etc) do etc[name] = text end
  -- a C library without name service switch has no such file
  if posix.exists("/etc/nsswitch.conf") then
    etc["nsswitch.conf"] =
      "passwd: files\nhosts: files\nnetworks: files\nprotocols: files\nservices: files\n"
  end
  return etc
end

--- Pieces that an answer must and must not have; each counts as one check.
local function expectations(title, run, answer)
  if run.status then check.equal(title .. ": status", answer.status, run.status) end
  for _, line in ipairs(run.lines or {}) do
    check.ok(title .. ": line", ("\n" .. answer.out):find("\n" .. line .. "\n", 1, true),
      "there is no " .. line .. "$\nin\n" .. answer.out:gsub("\n", "$\n"))
  end
  for _, piece in ipairs(run.lacks or {}) do
    check.ok(title .. ": without " .. piece, not answer.out:find(piece, 1, true),
      "in " .. check.show(answer.out))
  end
  if run.out then check.equal(title .. ": stdout", answer.out, run.out) end
  if run.err then check.contains(title .. ": stderr", oracle.plain_error(answer.err), run.err) end
end

local function run_case(case)
  local name = ("%d. %s"):format(case.number, case.title)
  local etc = etc_of(case)
  local absent = etc and oracle.has_etc(etc)
  if absent then
    skipped = skipped + 1
    io.stdout:write("SKIPPED ", name, ": there is no ", absent, " to replace\n")
    return
  end
  local root = make_tree(case.files)
  local lists = {}
  for i, run in ipairs(case.runs) do
    lists[i] = run.args or {}
    if not run.args then
      for word in run[1]:gmatch("%S+") do lists[i][#lists[i] + 1] = word end
    end
  end
  local gots = oracle.sockq(set.sockq, root, lists, etc)
  local wants = case.undefined and {} or oracle.netstat(root, lists, etc)
  for i, run in ipairs(case.runs) do
    local title = name .. " [netstat " .. posix.quote_all(lists[i]) .. "]"
    if case.undefined then
      check.ok(title .. ": no crash", not oracle.crashed(gots[i]), check.show(gots[i].err))
    else
      expectations("the real netstat, " .. title, run, wants[i])
      if run.sockq then
        expectations(title .. ", wanted difference", run.sockq, gots[i])
      else
        expectations(title, run, gots[i])
        local what = oracle.differences(wants[i], gots[i])
        check.ok(title .. ": as netstat", #what == 0, table.concat(what, ", ") .. "\n"
          .. oracle.diff(wants[i].out, gots[i].out) .. oracle.diff(wants[i].err, gots[i].err))
      end
    end
  end
  posix.remove_tree(root)
end

check.at_end(posix.cleanup)
local missing = oracle.missing()
if missing then check.skip(missing) end

local seen, count = {}, 0
for _, group in ipairs(GROUPS) do
  for _, case in ipairs(require("traps." .. group)) do
    seen[case.number] = true
    if not set.only or tonumber(set.only) == case.number then run_case(case) end
  end
end
for number = 1, 42 do
  if seen[number] then count = count + 1 end
end
check.equal("every trap has a case", count, 42)
if skipped > 0 then io.stdout:write(skipped, " cases SKIPPED, see above\n") end
check.finish()
