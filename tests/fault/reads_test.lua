--- Reads of 1, 7 and 4095 bytes give the same output as whole reads; writes of 7 bytes lose nothing.
--
--   luajit tests/fault/reads_test.lua --sockq PATH --library PATH
package.path = "tests/fault/?.lua;tests/lib/?.lua;" .. package.path

local check = require "check"
local commands = require "commands"
local posix = require "posix"
local program = require "program"
local runner = require "runner"

local function same(name, command, plan)
  if command.fresh then os.remove(command.fresh) end
  local whole = runner.run { words = command.words }
  local kept = command.fresh and program.run { "--read", command.fresh, "--csv" }
  if command.fresh then os.remove(command.fresh) end
  local pieces = runner.run { words = command.words, plan = plan }
  name = ("%s: %s"):format(command.name, name)
  check.equal(name .. ": status", pieces.status, whole.status)
  check.equal(name, pieces.out, whole.out)
  check.equal(name .. ": stderr", pieces.err, whole.err)
  if command.fresh then check.equal(name .. ": the recording", program.run { "--read", command.fresh, "--csv" }, kept) end
end

for _, command in ipairs(commands.captured(posix.tmpdir("sockq-fault"))) do
  for _, most in ipairs { 1, 7, 4095 } do
    same(("reads of %d bytes give the same output as whole reads"):format(most), command, { read_most = most })
  end
  if command.fresh then same("writes of 7 bytes lose nothing", command, { write_most = 7 }) end
end

-- The kernel's own tables: what is read twice at rest is the same.
local LIVE = { { "netstat", "-lnt" }, { "--tsv", "-t", "-l", "-c", "local_port,state,uid" },
  { "--csv", "-u", "-c", "local_port" } }
for _, words in ipairs(LIVE) do
  local before, after, pieces
  for _ = 1, 5 do
    before = runner.run({ words = words }).out
    pieces = {}
    for i, most in ipairs { 1, 7, 4095 } do pieces[i] = runner.run({ words = words, plan = { read_most = most } }).out end
    after = runner.run({ words = words }).out
    if before == after then break end
  end
  for i, most in ipairs { 1, 7, 4095 } do
    check.equal(("live, %s: reads of %d bytes"):format(table.concat(words, " "), most), pieces[i], before)
  end
end
check.finish()
