--- The built-in timers: netstat's and ss's text against what these programs printed over the captures,
--- all four over rows of every kind.
--
--   luajit tests/lua/timer_test.lua        from the root of the tree, after scripts/build
package.path = "lua/?.lua;lua/?/init.lua;tests/lib/?.lua;" .. package.path
if not os.getenv("LUA_CPATH") then package.cpath = "build/release/lib/?.so;" .. package.cpath end

local check = require "check"
local plugin = require "sockq.plugin"
local posix = require "posix"
local rows = require "rows"
local sockq = require "sockq"
local timer = require "sockq.timer"
local tree = require "tree_of"

local CAPTURES = "tests/data/captures/"
local NAMES = { "netstat", "ss", "human", "explain" }

local format = {}
for _, name in ipairs(NAMES) do
  format[name] = assert(timer.formatter(name))
  local loaded, path = plugin.load("timers", name)
  check.equal(name .. ": its file", path, "lua/sockq/timers/" .. name .. ".lua")
  check.ok(name .. ": doc in one line", loaded.doc:find("^[^\n]+$"), loaded.doc)
end

-- netstat and ss, line by line

--- The timer column of a recorded netstat listing.
local function netstat_timers(text)
  local list = {}
  for line in text:gmatch("[^\n]+") do
    if line:find("^Active UNIX") then break end
    if not line:find("^Active") and not line:find("^Proto") then
      list[#list + 1] = line:match("%S+ %([%d.-]+/[%d-]+/[%d-]+%)$") or "no timer in: " .. line
    end
  end
  return list
end

--- The timer piece of a recorded ss listing; "" where it has none.
local function ss_timers(text)
  local list = {}
  for line in text:gmatch("[^\n]+") do
    if not line:find("^State ") then list[#list + 1] = line:match("timer:%b()") or "" end
  end
  return list
end

local recorded = {
  { "centos7-seed", "netstat-antpo", "netstat", "tcp,tcp6" }, { "centos7-seed", "netstat-anto", "netstat", "tcp,tcp6" },
  { "centos7-seed", "netstat-anto4", "netstat", "tcp" }, { "centos7-seed", "netstat-anto6", "netstat", "tcp6" },
  { "centos7-seed", "ss-tano", "ss", "tcp,tcp6" }, { "centos7-seed", "ss-tanpo", "ss", "tcp,tcp6" },
}
-- sockq.from("tcp") stands for both families, so one table is chosen by its field.
local ONE = { tcp = 'table == "tcp"', tcp6 = 'table == "tcp6"' }
for _, capture in ipairs { "mixed-1", "mixed-2" } do
  for _, entry in ipairs {
    { "netstat-ano", "netstat", "tcp,udp,udplite,raw" }, { "netstat-antpo", "netstat", "tcp" },
    { "netstat-antpoW", "netstat", "tcp" }, { "netstat-anoe", "netstat", "tcp,udp,udplite,raw" },
    { "netstat-anwpo", "netstat", "raw" }, { "netstat-anupo", "netstat", "udp" },
    { "netstat-tano4", "netstat", "tcp" , ONE.tcp }, { "netstat-tano6", "netstat", "tcp", ONE.tcp6 },
    { "ss-tano", "ss", "tcp" }, { "ss-tanpo", "ss", "tcp" }, { "ss-tanoe", "ss", "tcp" },
  } do
    recorded[#recorded + 1] = { capture, entry[1], entry[2], entry[3], entry[4] }
  end
end

for _, entry in ipairs(recorded) do
  local capture, listing, name, from, where = unpack(entry, 1, 5)
  local title = capture .. ", " .. listing
  sockq.open(CAPTURES .. capture .. "/proc")
  local text = assert(posix.read_file(CAPTURES .. capture .. "/expected/" .. listing .. ".txt"), title)
  local want = name == "ss" and ss_timers(text) or netstat_timers(text)
  local query = sockq.from(from)
  if capture == "centos7-seed" then where = ONE[from] end
  if where then query = query:where(where) end
  local list = query:list()
  check.equal(title .. ": rows", #list, #want)
  for i, row in ipairs(list) do check.equal(("%s: row %d"):format(title, i), format[name](row), want[i]) end
end

-- Rows by hand: what each timer says of it

local count = 0
local function tcp(f)
  count = count + 1
  f.lport, f.raddr, f.rport = count, f.raddr or "0200000A", f.rport or 2
  return rows.tcp(f)
end

local cases = {
  { "a listener", tcp { state = 10, inode = 1, raddr = "00000000", rport = 0 }, netstat = "off (0.00/0/0)", ss = "",
    human = "off", explain = { "no timer: a listener has none" } },
  { "an idle connection", tcp { state = 1, inode = 1 }, netstat = "off (0.00/0/0)", ss = "", human = "off",
    explain = { "no timer: nothing is unacknowledged and keepalive is not enabled", "0.00 that netstat shows is no time" } },
  { "off, with a time all the same", tcp { state = 1, inode = 1, when = 361, retrans = 2, probes = 3 },
    netstat = "off (0.00/2/3)", ss = "", human = "off" },
  { "off, with data", tcp { state = 1, inode = 1, tx = 17 }, explain = { "yet 17 bytes are unacknowledged" } },
  { "retransmission", tcp { state = 1, inode = 1, timer = 1, when = 20, tx = 5, retrans = 2 }, netstat = "on (0.20/2/0)",
    ss = "timer:(on,200ms,2)", human = "retransmit in 0.2 s (3rd)",
    explain = { "retransmission timer: in 0.20 s sends the oldest unacknowledged data again", "after 2 timeouts in a row",
      "tcp_retries2", "the probe count means nothing" } },
  { "first retransmission", tcp { state = 1, inode = 1, timer = 1, when = 20 }, human = "retransmit in 0.2 s",
    explain = { "(or a tail loss probe)", "no timeout" } },
  { "an orphan's retransmission", tcp { state = 9, timer = 1, when = 20, retrans = 1 }, explain = { "tcp_orphan_retries" } },
  { "keepalive", tcp { state = 1, inode = 1, timer = 2, when = 361 }, netstat = "keepalive (3.61/0/0)",
    ss = "timer:(keepalive,3.610ms,0)", human = "keepalive in 3.6 s",
    explain = { "keepalive timer: in 3.61 s sends a probe if the peer was silent", "the retransmits mean nothing" } },
  { "unanswered keepalive", tcp { state = 1, inode = 1, timer = 2, when = 7500, probes = 2 },
    netstat = "keepalive (75.00/0/2)", ss = "timer:(keepalive,1min15sec,2)", human = "keepalive in 1 min 15 s (2 unanswered)",
    explain = { "2 probes unanswered" } },
  { "two hours", tcp { state = 1, inode = 1, timer = 2, when = 720000 }, netstat = "keepalive (7200.00/0/0)",
    ss = "timer:(keepalive,120min,0)", human = "keepalive in 2 h", explain = { "in 120 min" } },
  { "TIME_WAIT", tcp { state = 6, timer = 3, when = 2235 }, netstat = "timewait (22.35/0/0)", ss = "timer:(timewait,22sec,0)",
    human = "timewait 22 s left",
    explain = { "TIME_WAIT timer: in 22.35 s frees the address pair", "no retransmits, probes, uid, inode or owner" } },
  { "TIME_WAIT at zero", tcp { state = 6, timer = 3 }, netstat = "timewait (0.00/0/0)", ss = "timer:(timewait,,0)",
    human = "timewait due", explain = { "has run out and, once its handler runs," } },
  { "an orphan in FIN_WAIT2 as mini-socket", tcp { state = 5, timer = 3, when = 2235, tail = " 3 0" },
    netstat = "timewait (22.35/0/0)", human = "fin wait 22 s left", explain = { "FIN_WAIT2 timer of an orphan" } },
  { "an orphan in FIN_WAIT2", tcp { state = 5, timer = 2, when = 6100 }, human = "fin wait 1 min 1 s left",
    explain = { "FIN_WAIT2 timer of an orphan" } },
  { "zero window", tcp { state = 1, inode = 1, timer = 4, when = 100, tx = 9, probes = 3 }, netstat = "probe (1.00/0/3)",
    ss = "timer:(persist,1sec,3)", human = "probe in 1.0 s (3 unanswered)", explain = { "probe timer: in 1.00 s asks a peer",
      "3 probes unanswered" } },
  { "a request", tcp { state = 3, timer = 1, when = 99, retrans = 1 }, netstat = "on (0.99/1/0)", ss = "timer:(on,990ms,1)",
    human = "retransmit in 1.0 s (2nd)", explain = { "SYN-ACK timer: in 0.99 s sends the SYN-ACK again", "nobody owns it" } },
  { "SYN_SENT", tcp { state = 2, inode = 1, timer = 1, when = 99 }, explain = { "SYN timer", "tcp_syn_retries" } },
  { "a code of no kernel", tcp { state = 1, inode = 1, timer = 10, when = 361 }, netstat = "unkn-10 (3.61/0/0)",
    ss = "timer:(unknown,3.610ms,0)", human = "timer 10 in 3.6 s", explain = { "timer 10, which no mainline kernel shows" } },
  { "code 255", tcp { state = 1, inode = 1, timer = 255, when = 361 }, netstat = "unkn-255 (3.61/0/0)" },
  { "an overdue timer of an old kernel",
    (tcp { state = 1, inode = 1, timer = 1 }:gsub("01:00000000", "01:1AD7F29ABCA")), netstat = "on (18446744073.70/0/0)",
    human = "retransmit overdue", explain = { "is overdue, which old kernels print as a huge number" } },
  { "the 22nd", tcp { state = 1, inode = 1, timer = 1, when = 20, retrans = 21 }, human = "retransmit in 0.2 s (22nd)" },
  { "the 12th", tcp { state = 1, inode = 1, timer = 1, when = 20, retrans = 11 }, human = "retransmit in 0.2 s (12th)" },
  { "retrnsmt in hexadecimal", tcp { state = 1, inode = 1, timer = 1, when = 20, retrans = 15 }, netstat = "on (0.20/15/0)" },
}

do
  local list = {}
  for i, case in ipairs(cases) do list[i] = case[2] end
  sockq.open(tree.make { ["net/tcp"] = rows.file("tcp", list) })
  for i, row in ipairs(sockq.tcp():list()) do
    local case = cases[i]
    for _, name in ipairs { "netstat", "ss", "human" } do
      if case[name] then check.equal(case[1] .. ": " .. name, format[name](row), case[name]) end
    end
    for _, piece in ipairs(case.explain or {}) do
      check.contains(case[1] .. ": explain", format.explain(row), piece)
    end
  end
end

-- Rows of every kind: a line of text from each timer, the same for a row and a cursor

do
  local six, files = ("0"):rep(32), {}
  for _, name in ipairs { "tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6", "icmp", "icmp6" } do
    local list = {}
    for state = 0, 14 do
      for _, code in ipairs { 0, 1, 2, 3, 4, 5, 6, 255 } do
        for _, inode in ipairs { 0, 9 } do
          local f = { laddr = name:find("6") and six or nil, state = state, timer = code, inode = inode,
            when = state * 1000, retrans = code * 2, probes = code, tx = inode }
          list[#list + 1] = name:find("^tcp") and rows.tcp(f) or rows.datagram(f)
        end
      end
    end
    files["net/" .. name] = rows.file(name, list)
  end
  files["net/unix"] = rows.file("unix", { rows.unix { inode = 1, path = "/x" }, rows.unix { state = 3 } })
  files["net/netlink"] = rows.file("netlink", { "0 0 4242 00000001 7 8 0 2 3 18" })
  files["net/packet"] = rows.file("packet", { "0 3 3 0003 2 1 9 1000 19" })
  files["net/sctp/eps"] = rows.file("sctp/eps", { "f f 2 10 29 5000 1000 20 127.0.0.1" })
  files["net/sctp/assocs"] = rows.file("sctp/assocs", {
    "f f 2 1 3 9 17 1 2 0 21 1 2 127.0.0.1 <-> *10.0.0.2 \t5000 1 1 10 0 0 0" })
  local everything = tree.make(files)
  for _, path in ipairs { everything, CAPTURES .. "mixed-1/proc", CAPTURES .. "mixed-2/proc", CAPTURES .. "centos7-seed/proc" } do
    sockq.open(path)
    for _, name in ipairs(NAMES) do
      local by_cursor = {}
      sockq.all():each(function(row) by_cursor[#by_cursor + 1] = format[name](row) end)
      local i, wrong, odd = 0, nil, nil
      for row in sockq.all():rows() do
        i = i + 1
        local text = format[name](row)
        if text ~= by_cursor[i] then wrong = ("%s: %q and %q"):format(tostring(row), text, by_cursor[i]) end
        if type(text) ~= "string" or text:find("[^\32-\126]") or text:find("%.$") or text:find("nil")
          or name == "explain" and text == "" then
          odd = ("%s: %q"):format(tostring(row), text)
        end
      end
      check.ok(("%s: %s, a row and a cursor"):format(path:match("[^/]+/?[^/]*$"), name), not wrong and i == #by_cursor, wrong)
      check.ok(("%s: %s, a line of text"):format(path:match("[^/]+/?[^/]*$"), name), not odd, odd)
    end
  end
  check.ok("no timer raised", not timer.failed)
end

posix.cleanup()
check.finish()
