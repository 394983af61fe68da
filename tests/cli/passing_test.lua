--- Rows behind a walk give their memory to those to come: what is kept, sorted or counted must not
--- change by it.
--
--   luajit tests/cli/passing_test.lua --sockq PATH
local check = require "check"
local posix = require "posix"
local program = require "program"

local ROWS = 50000

-- A table whose inodes are its lines' numbers, with ten remote ports.
local tree = posix.tmpdir("sockq-passing")
posix.mkdirs(tree .. "/net")
local lines = { "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n" }
for i = 1, ROWS do
  lines[i + 1] = ("%4d: 0100007F:1F90 %08X:%04X 01 00000000:%08X 00:00000000 00000000  1000        0 %d 1 "
    .. "0000000000000000 20 4 30 10 -1\n"):format(i - 1, i, 1000 + i % 10, i % 1000, i)
end
posix.write_file(tree .. "/net/tcp", table.concat(lines))

local function lua(name, chunk, want)
  local status, out, err = program.run({ "--proc", tree, "-e", chunk })
  check.equal(name, out .. err, want .. "\n")
  check.equal(name .. ": status", status, 0)
end

lua("rows kept in a walk", [[
  local kept, n = {}, 0
  sockq.tcp():each(function(row)
    n = n + 1
    if n % 7919 == 0 or n == 1 or n == 8192 or n == 8193 then kept[#kept + 1] = { n, row:keep() } end
  end)
  local wrong = 0
  for _, pair in ipairs(kept) do
    if pair[2].inode ~= pair[1] then wrong = wrong + 1 end
  end
  print(n, #kept, wrong)]], "50000\t9\t0")
lua("one row kept late", [[
  local n, kept = 0, nil
  sockq.tcp():each(function(row)
    n = n + 1
    if n == 30000 then kept = row:keep() end
  end)
  print(kept.inode)]], "30000")
lua("rows of a list", [[
  local list, wrong = sockq.tcp():list(), 0
  for i, row in ipairs(list) do wrong = wrong + (row.inode == i and 0 or 1) end
  print(#list, wrong)]], "50000\t0")
lua("sorted", [[
  local last, wrong, n = math.huge, 0, 0
  sockq.tcp():sort("-inode"):each(function(row)
    if row.inode >= last then wrong = wrong + 1 end
    last, n = row.inode, n + 1
  end)
  print(n, wrong)]], "50000\t0")
lua("sorted behind a condition, with a limit", [[
  local list = {}
  sockq.tcp():where("recv_q == 999"):sort("-inode"):limit(3):each(function(row) list[#list + 1] = row.inode end)
  print(table.concat(list, " "))]], "49999 48999 47999")
lua("the first row of each", [[
  local list = {}
  sockq.tcp():distinct("remote_port"):each(function(row) list[#list + 1] = row.inode end)
  print(table.concat(list, " "))]], "1 2 3 4 5 6 7 8 9 10")
lua("groups", [[
  sockq.tcp():group("remote_port"):agg("count, first(inode), max(inode)"):sort("remote_port"):limit(2):each(function(row)
    print(row.remote_port, row.count, row["first(inode)"], row["max(inode)"])
  end)]], "1000\t5000\t10\t50000\n1001\t5000\t1\t49991")
lua("counted", "print(sockq.tcp():count(), sockq.tcp():where('inode > 10'):count())", "50000\t49990")
lua("walked to an end in between, and again", [[
  local n = 0
  sockq.tcp():each(function() n = n + 1 return n == 20000 end)
  print(n, sockq.tcp():count(), sockq.tcp():first().inode)]], "20000\t50000\t1")
lua("an error in between, and again", [[
  local n = 0
  local ok = pcall(function() sockq.tcp():each(function() n = n + 1; if n == 30000 then error("stop") end end) end)
  print(ok, n, sockq.tcp():count())]], "false\t30000\t50000")
lua("joined with itself", [[
  print(sockq.tcp():where("inode <= 20000"):join(sockq.tcp():where("inode > 19990"), "inode"):count())]], "10")

local status, out = program.run({ "--proc", tree, "netstat", "-tane" })
check.equal("the netstat view: status", status, 0)
local inode, wrong = 0, 0
for line in out:gmatch("[^\n]+") do
  local number = tonumber(line:match("ESTABLISHED 1000 +(%d+)"))
  if number then
    inode = inode + 1
    if number ~= inode then wrong = wrong + 1 end
  end
end
check.equal("the netstat view: rows in their order", inode .. " " .. wrong, ROWS .. " 0")

posix.cleanup()
check.finish()
