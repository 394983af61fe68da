--- Which row of one look is which row of another.
local check = require "check"
local identity = require "sockq.identity"
local posix = require "posix"
local rows = require "rows"
local sockq = require "sockq"
local tree = require "tree_of"

check.at_end(posix.cleanup)

local function look(list, name)
  local dir = tree.make { ["net/" .. (name or "tcp")] = type(list) == "string" and list or rows.file(name or "tcp", list) }
  sockq.open(dir)
  return identity.entries(sockq.from(name or "tcp"):list())
end

local function row(fields)
  fields.raddr = "0100007F"
  return rows.tcp(fields)
end

-- What became of each row: "+" new, "=" paired, and how many are gone.
local function pairing(was, is)
  identity.pair(was, is)
  local text, gone = "", 0
  for _, entry in ipairs(is) do text = text .. (entry.was and "=" or "+") end
  for _, entry in ipairs(was) do gone = gone + (entry.gone and 1 or 0) end
  return text .. " -" .. gone
end

do
  local one = { lport = 80, rport = 1000, inode = 7 }
  check.equal("the same", pairing(look { row(one) }, look { row(one) }), "= -0")
  check.equal("another port", pairing(look { row(one) }, look { row { lport = 80, rport = 1001, inode = 7 } }), "+ -1")
  check.equal("another inode", pairing(look { row(one) }, look { row { lport = 80, rport = 1000, inode = 8 } }), "+ -1")
  check.equal("none before", pairing({}, look { row(one) }), "+ -0")
  check.equal("none now", pairing(look { row(one) }, {}), " -1")
end
do
  -- TIME_WAIT has no inode: the addresses decide
  local before = look { row { lport = 80, rport = 1000, inode = 7 }, row { lport = 81, rport = 1000, inode = 8 } }
  local after = look { row { lport = 81, rport = 1000, inode = 8 }, row { lport = 80, rport = 1000, state = 6 } }
  check.equal("a socket goes to TIME_WAIT", pairing(before, after), "== -0")
  check.equal("it is that one", after[2].was, before[1])
  check.equal("and a new one takes its place", pairing(after, before), "== -0")
end
do
  -- several listeners on one address
  local three = { row { lport = 80, inode = 1, state = 10 }, row { lport = 80, inode = 2, state = 10 },
    row { lport = 80, inode = 3, state = 10 } }
  check.equal("SO_REUSEPORT", pairing(look(three), look { three[3], three[1] }), "== -1")
  -- rows without an inode that are alike: by their number
  local twins = { row { lport = 80, rport = 9, state = 6 }, row { lport = 80, rport = 9, state = 6, when = 500 } }
  check.equal("twins", pairing(look(twins), look(twins)), "== -0")
  check.equal("one of twins", pairing(look(twins), look { twins[1] }), "= -1")
  check.equal("one more", pairing(look { twins[1] }, look(twins)), "=+ -0")
end

check.finish()
