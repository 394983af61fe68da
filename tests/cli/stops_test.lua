--- --timeout, --max-memory and the end of the C stack: what stops, what is told, what goes on.
--
--   luajit tests/cli/stops_test.lua --sockq PATH        from the root of the tree
--
-- escape_lua_test.lua has the ways round them.
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"

local DIR = posix.tmpdir("sockq-limits")
local TREE = posix.realpath("tests/data/captures/mixed-1/proc")
check.at_end(posix.cleanup)

local function file(name, text)
  posix.mkdirs(DIR .. "/" .. (name:match("^(.*)/") or ""))
  posix.write_file(DIR .. "/" .. name, text)
  return DIR .. "/" .. name
end

-- What the options say

for _, word in ipairs { "0", "-1", "x", "1s", "1e3", "1.", ".5", "nan", "inf", "0.0001", "9999999" } do
  program.refuses("--timeout " .. word, { "--timeout=" .. word, "LISTEN" },
    { err = ("--timeout %s: not a time; give seconds from 0.001, such as 2 or 0.5"):format(word) })
end
for _, word in ipairs { "0", "-1", "x", "1T", "5", "512m", "512MB", "1.5G", "99999999999999999999", "9999999999999G", "M" } do
  program.refuses("--max-memory " .. word, { "--max-memory=" .. word, "LISTEN" },
    { err = ("--max-memory %s: not a size; give one from 1M, such as 512M or 2G"):format(word) })
end
program.refuses("--timeout of nothing", { "--timeout=", "LISTEN" }, { err = { "--timeout" } })
for _, words in ipairs { { "--timeout", "1000000" }, { "--timeout", "60.25" }, { "--max-memory", "1048576K" },
  { "--max-memory", "67108864" }, { "--max-memory", "4G" } } do
  local name = table.concat(words, " ")
  local status, out, err = program.run { "--proc", TREE, words[1], words[2], "-e", "print(sockq.tcp():count())" }
  check.equal(name .. ": what has time and memory goes on", status .. out .. err, "048\n")
end

-- The place, wherever the code is from

local LOOP = "local x = 0\nlocal function f()\n  while true do\n    x = x + 1\n  end\nend\nio.write('before\\n')\nf()\n"
local GROW = "local t = {}\nfor i = 1, 1e9 do\n  t[i] = { i }\nend\n"
local DEEP = "local function f()\n  local _ = ('x'):gsub('.', f)\nend\nf()\n"

--- One end, in a script, of standard input, by -e, in the sandbox and outside it.
local function ends(name, text, words, want, lines, out)
  local path = file(name:gsub("%W", "-") .. ".lua", text)
  for _, way in ipairs { { "--sandbox", path, path }, { "--trust", "-e", "-e", text }, { "--sandbox", "stdin", "-" } } do
    local trust, place = way[1], way[2]
    local argv = { trust, "--proc", TREE }
    for _, word in ipairs(words) do argv[#argv + 1] = word end
    for i = 3, #way do argv[#argv + 1] = way[i] end
    local status, got, err = program.run(argv, { stdin = text, timeout = 30 })
    local title = ("%s, %s, %s"):format(name, place == path and "file" or place, trust)
    check.equal(title .. ": status", status, 2)
    check.equal(title .. ": what was printed before", got, out or "")
    local line = err:match("^sockq: " .. place:gsub("%p", "%%%0") .. ":(%d+): [^\n]*\n")
    check.ok(title .. ": the message names file and line", lines[tonumber(line)], err)
    check.contains(title .. ": message", err, want)
  end
end
ends("a compiled loop", LOOP, { "--timeout", "0.4" }, "stopped after 0.4 s; give more by --timeout",
  { [3] = true, [4] = true }, "before\n")
ends("a pattern without end", "\nlocal text = ('a'):rep(300)\nstring.find(text, ('.-'):rep(30) .. 'b')\n",
  { "--timeout", "0.4" }, "stopped after 0.4 s, within a call that cannot be interrupted", { [3] = true })
if program.sanitized then
  program.skip_part("--max-memory", "the sanitizer's memory counts as well")
else
  ends("a table that grows", GROW, { "--max-memory", "40M" },
    "not enough memory, the limit is 40 MiB; give more by --max-memory", { [2] = true, [3] = true })
  ends("a huge string", "\nlocal s = ('x'):rep(1e9)\nprint(#s)\n", { "--max-memory", "40M" },
    "not enough memory, the limit is 40 MiB; give more by --max-memory", { [2] = true })
  ends("the C stack", DEEP, {},
    "the C stack is used up; look for calls without end through string.gsub, coroutines or the like", { [2] = true })
  local status, _, err = program.run { "--sandbox", "-e", "local s = ('x'):rep(1200 * 2^20) print(#s)" }
  check.equal("1 GiB is the limit in the sandbox", status .. err,
    "2sockq: -e:1: not enough memory, the limit is 1024 MiB; give more by --max-memory\n")
  -- Ten times the limit, and always garbage.
  status, _, err = program.run { "--max-memory", "40M", "-e", [[for i = 1, 5e5 do local t = { i, ("x"):rep(800) .. i } end
    local parts = {} for i = 1, 4000 do parts = { parts[1], ("y"):rep(1e5) .. i } end]] }
  check.equal("garbage is collected before memory is refused", status .. err, "0")
  status, _, err = program.run { "--max-memory", "40M", "--proc", TREE, "-e",
    "print(pcall(function() local t = {} for i = 1, 1e9 do t[i] = { i } end end)) print(sockq.tcp():count())" }
  check.equal("a script that catches it goes on", status .. err, "0")
  status, _, err = posix.run({ "sh", "-c", 'ulimit -s unlimited; exec "$0" "$@"', program.path, "-e", DEEP },
    { env = program.environment(), timeout = 30 })
  check.equal("the C stack where it has no limit: status", status, 2)
  check.contains("the C stack where it has no limit", err, "-e:2: the C stack is used up")
end

-- Plug-ins

file("plug/timers/slow.lua", 'return {\n  doc = "d",\n  format = function()\n    while true do end\n  end,\n}\n')
file("plug/views/slow.lua", 'return {\n  doc = "d",\n  run = function()\n    while true do end\n  end,\n}\n')
file("plug/reports/slow2.lua", 'return {\n  help = "d",\n  run = function()\n    while true do end\n  end,\n}\n')
file("plug/formats/slow.lua", 'return {\n  doc = "d",\n  open = function()\n    while true do end\n  end,\n}\n')
for name, words in pairs { ["timers/slow"] = { "--timer", "slow", "tcp" }, ["formats/slow"] = { "-f", "slow", "tcp" },
  ["views/slow"] = { "slow" }, ["reports/slow2"] = { "slow2" } } do
  local status, _, err = program.run { "--timeout", "0.4", "--proc", TREE, "--path", DIR .. "/plug", unpack(words) }
  check.equal("a plug-in of " .. name .. ": status", status, 2)
  check.contains("a plug-in of " .. name, err, ("%s/plug/%s.lua:4: stopped after 0.4 s"):format(DIR, name))
end

-- What has no code of the user's, and what catches the stop

do
  local status, _, err = program.run({ "--timeout", "0.6", "--proc", TREE, "--wait=1", "inode == 1" }, { timeout = 20 })
  check.equal("waiting for rows", status .. err, "2sockq: stopped after 0.6 s; give more by --timeout\n")
  local out
  status, out, err = program.run { "--timeout", "0.4", "-e", "pcall(function() while true do end end) print('end')" }
  check.equal("a script that catches the stop and ends", status .. out .. err,
    "2end\nsockq: -e:1: stopped after 0.4 s; give more by --timeout\n")
  status, out, err = program.run({ "--timeout", "0.5", "--proc", TREE, "-i" },
    { stdin = "= 1 + 1\nwhile true do end\n= 2 + 2\n", timeout = 20 })
  check.equal("a session: status", status, 2)
  check.equal("a session: what came before", out:match("^[^\n]*\n"), "2\n")
  check.contains("a session", err, "sockq: session:1: stopped after 0.5 s")
end

-- An interpreter that does not run any more is ended by the collector.

do
  local path = file("stuck.lua", "print('ready') io.flush()\nwhile true do end\n")
  local status, out, err = posix.run({ "sh", "-c", [[
    "$0" --timeout 0.5 "$1" & program=$!
    for i in 1 2 3 4 5 6 7 8 9 10; do
      for child in $(cat /proc/$program/task/$program/children); do
        case $(readlink /proc/$child/exe) in */sockq) kill -STOP $child ;; esac
      done
      sleep 0.04
    done
    wait $program]], program.path, path }, { env = program.environment(), timeout = 30 })
  check.equal("a stopped interpreter: status" .. out:gsub("ready\n", ""), status, 2)
  check.equal("a stopped interpreter", err, ("sockq: %s: still running a second after --timeout 0.5, and killed; "
    .. "look for a pattern or a message handler without end\n"):format(path))
end

check.finish()
