--- Files that change, break off, or come in small pieces while they are read: numbers 28 to 32, 34.

local bad = require "bad"
local spawn = require "spawn"

local case, posix, program, rows = bad.case, bad.posix, bad.program, bad.rows
local row = bad.row

-- tests/bad/reads.c
local LIBRARY = program.path:match("^(.*)/[^/]+$") .. "/tests/libbad_reads.so"

--- Through the library, which this tells how reads go.
local function reading(how)
  assert(posix.exists(LIBRARY), LIBRARY .. " is missing: build the tests")
  local argv = { "env", "LD_PRELOAD=" .. LIBRARY, "ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0" }
  for name, value in pairs(how) do argv[#argv + 1] = ("SOCKQ_READ_%s=%s"):format(name, value) end
  return { through = argv }
end

-- Row i of many: its port and inode say which it is.
local function numbered(i)
  return row { locals = ("0100007F:%04X"):format(i), inode = tostring(100000 + i), slot = i .. ":" }
end

local function many(count)
  local list = {}
  for i = 1, count do list[i] = numbered(i) end
  return list
end

--- Whole rows, in order, from the first on; how many.
---@param gaps integer  where rows may be left out
local function whole_rows(name, out, gaps)
  local count, next_row = 0, 1
  for i, line in ipairs(program.lines(out)) do
    if i > 1 then
      local port, inode = line:match("^(%d+),(%d+)\r$")
      local number = tonumber(port)
      if number and number > next_row and gaps > 0 then next_row, gaps = number, gaps - 1 end
      bad.ok(name .. ": row " .. next_row, number == next_row and tonumber(inode) == 100000 + next_row, line)
      count, next_row = count + 1, next_row + 1
    end
  end
  return count
end

-- What is told of a line that is no row.
local SKIPPED = "net/tcp:%d+: [^\n]+; skipped"
local COLUMNS = { "-t", "-f", "csv", "-c", "local_port,inode" }

--- Look again and again at a file that a shell command changes meanwhile, in its folder.
---@return integer least, integer most  rows seen
local function look_while(tree, command, rounds)
  local child = spawn.start({ "sh", "-c", ("cd %s/net; until [ -e stop ]; do %s; done"):format(posix.quote(tree), command) })
  local least, most = math.huge, 0
  for round = 1, rounds do
    local opts = round % 2 == 0 and reading { MOST = 333 } or nil
    local status, out, err = bad.over(tree, COLUMNS, opts)
    -- A line that was cut off is told. So is a page that the kernel fills with zeros when it cuts off the
    -- file's end while the page is read: they are one line. Nothing else can be wrong.
    local _, zeros = err:gsub(SKIPPED, "%0")
    local count = whole_rows("round " .. round, out, zeros)
    least, most = math.min(least, count), math.max(most, count)
    for _, line in ipairs(program.lines(err)) do
      bad.ok("round " .. round .. ": what is told", line:find("the last line is cut off", 1, true)
        or line:find("the file is empty", 1, true) or line:find(SKIPPED), line)
    end
    bad.ok("round " .. round .. ": status", status == (err ~= "" and 3 or count > 0 and 0 or 1), status .. err)
  end
  posix.write_file(tree .. "/net/stop", "")
  bad.ok("the other one ends", child:wait(20))
  child:finish()
  return least, most
end

case(28, "a file that grows", function()
  local tree = bad.tree("tcp", rows.file("tcp", many(500)))
  local text = {}
  for i = 501, 5000 do text[#text + 1] = numbered(i) .. "\n" end
  -- One line at a time, as fast as it goes.
  posix.write_file(tree .. "/net/more", table.concat(text))
  local least, most = look_while(tree, "while [ ! -e stop ] && IFS= read -r line; do echo \"$line\" >>tcp; done <more;"
    .. " until [ -e stop ]; do sleep 0.01; done", 12)
  bad.ok("what was there is there", least >= 500 and most <= 5000, least .. " to " .. most)
  bad.ok("it did grow", most > 500, most)
end)

case(29, "a file that shrinks, or is replaced", function()
  local tree = bad.tree("tcp", rows.file("tcp", many(2000)))
  posix.write_file(tree .. "/net/whole", posix.read_file(tree .. "/net/tcp"))
  local _, most = look_while(tree, "truncate -s 150100 tcp; truncate -s 70 tcp; cat whole >tcp", 12)
  bad.ok("at most all", most <= 2000, most)
  posix.unlink(tree .. "/net/stop")
  posix.write_file(tree .. "/net/short", rows.file("tcp", many(100)))
  local least
  least, most = look_while(tree, "cp whole new; mv new tcp; cp short new; mv new tcp", 12)
  bad.ok("one of the two files", (least == 100 or least == 2000) and (most == 100 or most == 2000), least .. " " .. most)
end)

case(30, "a read that fails half way", function()
  for _, from in ipairs { "tcp", "udp", "unix" } do
    local text = bad.text(from, {})
    for name, at in pairs { ["in a row"] = #text - 10, ["behind a row"] = #text - #bad.good(from, 2) - 1 } do
      local tree = bad.tree(from, text, { ["net/raw"] = bad.text("raw", {}) })
      local how = reading { FILE = tree .. "/net/" .. from, EIO = at }
      local list, status, err = bad.ndjson(tree, from .. ",raw", how)
      bad.equal(name .. ": what came is kept, and the other table", bad.inodes(list),
        from == "unix" and "90001 90002 90001" or "90001 90001 90002")
      bad.equal(name .. ": told", err, bad.told(tree, from, { { 0, "cannot be read: Input/output error; skipped" } }))
      bad.equal(name .. ": status", status, 3)
      local lines, netstat_status, netstat_err = bad.netstat(tree, from, how)
      bad.equal(name .. ": netstat, rows", #lines, 1)
      bad.ok(name .. ": netstat, status", netstat_status ~= 0, netstat_status)
      bad.contains(name .. ": netstat, told", netstat_err, "Input/output error")
    end
  end
end)

--- What several commands print of a tree, one after the other.
local RUNS = { { "--from", "all", "-f", "ndjson", "-c", "*" }, { "netstat", "-anepo" }, { "netstat", "-xanp" }, {} }
local function all_of(tree, opts)
  local parts = {}
  for i, words in ipairs(RUNS) do
    local status, out, err = bad.over(tree, words, opts)
    parts[i] = ("%d\n%s\n%s"):format(status, out, err)
  end
  return parts
end

local function same_as_whole(list)
  local trees = { posix.realpath("tests/data/captures/mixed-1/proc"),
    bad.tree("unix", bad.text("unix", { rows.unix { inode = 90009, path = "@a\nb c\n" }, "x", "", rows.unix { inode = 90010 } }),
      { ["net/tcp"] = bad.text("tcp", { "nonsense", row {}, ("y"):rep(5000), "", row { inode = "90010" } }):gsub("\n", "\r\n"),
        ["net/sctp/assocs"] = bad.text("sctp/assocs", {}) }) }
  for i, tree in ipairs(trees) do
    local whole = all_of(tree)
    for name, how in pairs(list) do
      for k, text in ipairs(all_of(tree, reading(how))) do
        bad.equal(("tree %d, %s, %s"):format(i, name, table.concat(RUNS[k], " ")), text, whole[k])
      end
    end
  end
end

case(31, "reads that are interrupted or give one byte", function()
  same_as_whole { ["one byte"] = { MOST = 1 }, ["one byte, interrupted"] = { MOST = 1, EINTR = 2 },
    interrupted = { EINTR = 2 }, ["interrupted, short"] = { EINTR = 3, MOST = 50 } }
end)

case(32, "a border between two reads in every place of a row", function()
  same_as_whole { ["7 bytes"] = { MOST = 7 }, ["149 bytes"] = { MOST = 149 }, ["4095 bytes"] = { MOST = 4095 } }
end)

case(34, "very many rows", function()
  -- SOCKQ_BAD_ROWS=10000000: as many as that, 1.5 GB of text.
  local wanted, block = tonumber(os.getenv("SOCKQ_BAD_ROWS")) or 600000, 100000
  local text = rows.many_tcp(block)
  local body = text:match("\n(.*)$")
  local function measure(count)
    local tree = bad.tree("tcp", text)
    local file = assert(io.open(tree .. "/net/tcp", "ab"))
    for _ = 2, count / block do file:write(body) end
    file:close()
    local best, most = math.huge, 0
    for _ = 1, 2 do
      local status, out, err, kib, seconds = bad.measured(tree, { "-t", "-g", "state", "-A", "count", "-f", "csv" })
      bad.equal(count .. " rows", status .. err .. out, ("0state,count\r\nESTABLISHED,%d\r\nLISTEN,%d\r\n"):format(count * 0.99,
        count * 0.01))
      best, most = math.min(best, seconds), math.max(most, kib)
    end
    posix.remove_tree(tree)
    return best, most
  end
  local half, _ = measure(wanted / 2)
  local whole, kib = measure(wanted)
  bad.ok("the time is linear", whole < half * 4 + 0.5, ("%.2f s, %.2f s"):format(half, whole))
  bad.ok("memory is that of the rows", program.sanitized or kib < 32 * 1024 + wanted * 160 / 1024, kib .. " KiB")
end)

return bad
