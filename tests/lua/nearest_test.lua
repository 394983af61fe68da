--- The name that a mistyped word was meant to be: sockq.nearest.
--
--   luajit tests/lua/nearest_test.lua        from the root of the tree
package.path = "lua/?.lua;lua/?/init.lua;tests/lib/?.lua;" .. package.path

local check = require "check"
local nearest = require "sockq.nearest"

local NAMES = {
  "proto", "state", "local_addr", "local_port", "remote_addr", "remote_port", "recv_q", "send_q",
  "pid", "fd", "uid", "program", "LISTEN", "TIME_WAIT", "CLOSE_WAIT", "ESTABLISHED", "KiB", "lower",
}

local cases = {
  -- word, nearest of NAMES
  { "state", "state" },
  { "stat", "state" },
  { "satte", "state" },           -- two neighbours swapped
  { "staet", "state" },
  { "State", "state" },           -- case costs nothing
  { "listen", "LISTEN" },
  { "LISTNE", "LISTEN" },
  { "TIMEWAIT", "TIME_WAIT" },
  { "CLOSEWAIT", "CLOSE_WAIT" },
  { "time_wiat", "TIME_WAIT" },
  { "local_prot", "local_port" },
  { "remoteport", "remote_port" },
  { "recvq", "recv_q" },
  { "kb", "KiB" },
  { "pdi", "pid" },
  { "uuid", "uid" },
  { "flower", "lower" },
  { "f", nil },                   -- one letter is no hint
  { "", nil },
  { "nginx", nil },
  { "xyz", nil },
  { ("x"):rep(100000), nil },
  { "\255\0\n", nil },
}
for _, case in ipairs(cases) do
  check.equal("nearest to " .. check.show(case[1]:sub(1, 20)), nearest(case[1], NAMES), case[2])
end

check.equal("no names", nearest("state", {}), nil)
check.equal("an empty name", nearest("ab", { "" }), nil)
check.equal("the same length wins", nearest("bat", { "bats", "cat" }), "cat")
check.equal("then byte order", nearest("bat", { "rat", "cat", "hat" }), "cat")

-- The order of the list does not matter.
math.randomseed(7)
for _, case in ipairs(cases) do
  local shuffled = {}
  for _, name in ipairs(NAMES) do
    table.insert(shuffled, math.random(#shuffled + 1), name)
  end
  check.equal("any order: " .. check.show(case[1]:sub(1, 20)), nearest(case[1], shuffled), case[2])
end

-- The distance itself, by a direct recursion over short words.
local function edits(a, b)
  if a == "" or b == "" then return #a + #b end
  local best = math.min(edits(a:sub(2), b) + 1, edits(a, b:sub(2)) + 1,
    edits(a:sub(2), b:sub(2)) + (a:sub(1, 1) == b:sub(1, 1) and 0 or 1))
  if #a > 1 and #b > 1 and a:sub(1, 2) == b:sub(1, 2):reverse() then
    best = math.min(best, edits(a:sub(3), b:sub(3)) + 1)
  end
  return best
end

local function any_word(length)
  local letters = {}
  for i = 1, length do letters[i] = ("abc"):sub(math.random(3)):sub(1, 1) end
  return table.concat(letters)
end

local wrong
for _ = 1, 400 do
  local a, b = any_word(math.random(2, 6)), any_word(math.random(1, 6))
  local near = edits(a, b) <= math.floor((#a + 1) / 3)
  if (nearest(a, { b }) ~= nil) ~= near then wrong = a .. " " .. b end
end
check.equal("agrees with a direct recursion", wrong, nil)

check.finish()
