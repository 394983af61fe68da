--- What texts of /proc/PID/cgroup say: tests/data/cgroup, and texts that no kernel writes.
--
--   luajit tests/lua/cgroup_test.lua [--seed N]      from the root of the tree, after scripts/build
package.path = "lua/?.lua;lua/?/init.lua;tests/lib/?.lua;" .. package.path

local check = require "check"
local cgroup = require "sockq.cgroup"
local posix = require "posix"

local seed = 1
for i, word in ipairs(arg) do
  if word == "--seed" then seed = tonumber(arg[i + 1]) end
end
math.randomseed(seed)
print("seed " .. seed)

local FOLDER = "tests/data/cgroup/"
local NAMES = { "unit", "container", "runtime", "pod" }

local texts, expected = {}, {}
for line in io.lines(FOLDER .. "expected.tsv") do
  local cells = {}
  for cell in (line .. "\t"):gmatch("([^\t]*)\t") do cells[#cells + 1] = cell end
  if cells[1] ~= "file" then
    local text = posix.read_file(FOLDER .. cells[1])
    local facts = cgroup.facts(text)
    for i, name in ipairs(NAMES) do
      check.equal(cells[1] .. ": " .. name, tostring(facts[name]), cells[i + 1] == "" and "nil" or cells[i + 1])
    end
    texts[#texts + 1], expected[cells[1]] = text, true
    check.ok(cells[1] .. ": the runtime is one of the registry's",
      cells[4] == "" or (" " .. table.concat(cgroup.RUNTIMES, " ") .. " "):find(" " .. cells[4] .. " ", 1, true))
  end
end
for file in io.popen("ls " .. FOLDER):lines() do
  check.ok(file .. ": something is expected", expected[file] or file == "README" or file == "expected.tsv")
end

-- Lines in any order, and a last line without its end, say the same.

for _, text in ipairs(texts) do
  local lines = {}
  for line in text:gmatch("[^\n]+") do table.insert(lines, math.random(#lines + 1), line) end
  local want, got = cgroup.facts(text), cgroup.facts(table.concat(lines, "\n"))
  for _, name in ipairs(NAMES) do check.equal("shuffled: " .. name, tostring(got[name]), tostring(want[name])) end
end

-- Any bytes: no error, and what is told is text of a form that its field promises.

local FORMS = {
  unit = function(text) return text:find("^[%w:_.\\@-]+%.%l+$") and #text < 256 end,
  container = function(text) return text:find("^[%w_.-]+$") end,
  runtime = function(text) return text:find("^%l[%l-]+$") end,
  pod = function(text) return text:find("^[%x-]+$") and (#text == 36 or #text == 32 or #text == 12) end,
}

local told = 0
local function try(text)
  local ok, facts = pcall(cgroup.facts, text)
  if not check.ok(("no error: %q"):format(text), ok, tostring(facts)) then return end
  for name, value in pairs(facts) do
    told = told + 1
    check.ok(("%s of %q"):format(name, text), FORMS[name] and FORMS[name](value), tostring(value))
  end
end

local PIECES = { "/", "..", "\0", "\n", "0::", "1:name=systemd:", "lxc.payload.", "lxc", "docker", "\\x2d", "\\x00", ".scope",
  ".slice", ".service", "kubepods", "-pod", "pod", ":", "@", "machine-", "libpod-", "%", "\27[31m", "\255", " (deleted)",
  ("a"):rep(64), ("f"):rep(300), "user@1000.service", "_", "-" }

local function mutated(text)
  for _ = 1, math.random(4) do
    local at, kind = math.random(0, #text), math.random(4)
    if kind == 1 then text = text:sub(1, at) .. PIECES[math.random(#PIECES)] .. text:sub(at + 1)
    elseif kind == 2 then text = text:sub(1, at) .. text:sub(at + 1 + math.random(20))
    elseif kind == 3 then text = text:sub(1, at) .. string.char(math.random(0, 255)) .. text:sub(at + 2)
    else text = text:sub(1, at) .. texts[math.random(#texts)]:sub(at + 1) end
  end
  return text
end

for _ = 1, 20000 do try(mutated(texts[math.random(#texts)])) end
for _ = 1, 2000 do
  local parts = { "0::/" }
  for i = 1, math.random(12) do parts[i + 1] = PIECES[math.random(#PIECES)] end
  try(table.concat(parts))
end
check.ok("many of them tell something", told > 5000, told)

-- The longest text that is read costs little, whatever it holds.

for _, piece in ipairs { "/kubepods-pod", "/machine-", "kubepods", "/a", "\\x2d",
  "lxc.payload.", "/libpod-a", "/.." , "\n1:a:/", "-" } do
  local text = ("0::/" .. piece:rep(8192)):sub(1, 8192)
  local before = os.clock()
  try(text)
  local took = os.clock() - before
  check.ok(("8 KiB of %q in less than 0.2 s"):format(piece), took < 0.2, took)
end

check.finish()
