--- What is wrong with /proc, by number: tables, rows, names, processes. Each of the 122 has a case in
--- tests/bad, and none may be missing.
--
--   luajit tests/cli/bad_inputs_test.lua --sockq PATH [--only NUMBER] [--no-netstat]
-- from the root of the tree; --no-netstat: the netstat view only where a case is about it
package.path = "tests/bad/?.lua;tests/lib/?.lua;" .. package.path

local bad = require "bad"
local check = require "check"

require "files"
require "reading"
require "inet"
require "repeats"
require "unix"
require "others"
require "processes"

local only
for i, word in ipairs(arg) do
  if word == "--only" then only = tonumber(arg[i + 1]) end
end
bad.run(only)
check.finish()
