-- Write a captured tree for the benchmarks: luajit tests/bench/table.lua FOLDER ROWS
--
-- net/tcp of a busy server, in the kernel's form: a few services, many peers, a fifth in TIME_WAIT, queues
-- and retransmissions at some. The same rows in every run.
local folder, rows = arg[1], tonumber(arg[2])
assert(os.execute("mkdir -p '" .. folder .. "/net'") == 0)
local file = assert(io.open(folder .. "/net/tcp", "w"))

local seed = 88172645
local function random(n)
  seed = (seed * 16807) % 2147483647
  return seed % n
end

local PORTS = { 80, 443, 8080, 5432 }
-- State by hundredths: ESTABLISHED, TIME_WAIT, CLOSE_WAIT, LISTEN, SYN_SENT, FIN_WAIT1.
local STATES = { { 60, 1 }, { 80, 6 }, { 85, 8 }, { 90, 10 }, { 95, 2 }, { 100, 4 } }
local function state()
  local at = random(100)
  for _, entry in ipairs(STATES) do
    if at < entry[1] then return entry[2] end
  end
end

local function put(text)
  file:write(text, (" "):rep(149 - #text), "\n")
end

put("  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode")
for i = 0, rows - 1 do
  local st = state()
  local ends = ("%02X00000A:%04X %02X%02X00C0:%04X"):format(random(4), PORTS[random(4) + 1], random(256), random(16),
    1024 + random(60000))
  if st == 6 then
    put(("%4d: %s %02X 00000000:00000000 03:%08X 00000000     0        0 0 3 0000000000000000"):format(i, ends, st,
      random(6000)))
  else
    local send = random(10) == 0 and random(100000) or 0
    local unread = random(10) == 0 and random(100000) or 0
    put(("%4d: %s %02X %08X:%08X %02X:%08X %08X %5d        0 %d 2 0000000000000000 20 4 30 10 -1"):format(i, ends, st,
      send, unread, random(3), random(5000), random(10) == 0 and random(5) or 0, random(3) * 1000, 100000 + i))
  end
end
assert(file:close())
