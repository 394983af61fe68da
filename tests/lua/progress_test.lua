--- What the line of long work says.
--
--   luajit tests/lua/progress_test.lua        from the root of the tree, after scripts/build
package.path = "lua/?.lua;lua/?/init.lua;tests/lib/?.lua;" .. package.path
if not os.getenv("LUA_CPATH") then package.cpath = "build/release/lib/?.so;" .. package.cpath end

local check = require "check"
local ffi = require "ffi"
local progress = require "sockq.progress"

local header = ffi.new("struct sockq_set")
check.equal("nothing yet", progress.text(header, 0), "sockq: reading")
header.owners.processes = 1204
check.equal("the pass over the processes", progress.text(header, 0),
  "sockq: 1,204 processes looked at")
check.equal("rows", progress.text(header, 999), "sockq: 999 sockets read")
check.equal("rows and their rate", progress.text(header, 1312000, 105000), "sockq: 1,312,000 sockets read, 105,000/s")
header.owners.done = 1
check.equal("the pass is over, and there are no rows yet", progress.text(header, 0), "sockq: reading")
header.tables[0].rows, header.tables[4].rows = 5000, 60
check.equal("rows that are not shown yet", progress.text(header, 0), "sockq: 5,060 sockets read")

check.finish()
