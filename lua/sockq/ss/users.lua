-- users:(("NAME",pid=P,fd=F),…): who has a socket, the last one found first; with -T each thread, as tid=T.

local ffi = require("ffi")
local escape = require("sockq.escape")
local schema = require("sockq.schema")
local text = require("sockq.ss.text")

local C = schema.C

local users = {}

local copy = ffi.copy
local band = bit.band
local tonumber = tonumber
local WORD = 0x100000000ULL
local OLD_LINK = tonumber(C.SOCKQ_OWNER_OLD_LINK)
local NO_OWNER = tonumber(C.SOCKQ_ROW_NO_OWNER)

-- What is written of a process before the descriptor. Negative keys, so that the table has no array
-- part: LuaJIT does not compile a mixed one.
local prefixes, serial = {}, nil
local shows_threads = false

--- Whether -T is given.
---@param answer boolean
function users.show_threads(answer)
  shows_threads = answer
  prefixes = {}
end

local function make_prefix(set, process, offset)
  local name = schema.text(set, process.comm, process.comm_len) or ""
  local thread = ""
  if shows_threads then
    thread = ("tid=%d,"):format(process.thread ~= 0 and process.thread or process.pid)
  end
  local prefix = ('("%s",pid=%d,%sfd='):format(escape.octal(name:match("^[^)]*")), process.pid, thread)
  prefixes[-1 - offset] = prefix
  return prefix
end

local function put_owner(bytes, at, set, owner)
  local offset = tonumber(owner.process)
  local prefix = prefixes[-1 - offset] or make_prefix(set, schema.process(set, offset), offset)
  local length = #prefix
  copy(bytes + at, prefix, length)
  at = text.decimal(bytes, at + length, owner.fd)
  bytes[at] = 41
  return at + 1
end

-- Several owners, from the last one on; ss does not know links of old kernels.
local function put_all(bytes, at, set, owner, limit)
  local list = {}
  while owner do
    if band(owner.flags, OLD_LINK) == 0 then
      list[#list + 1] = owner
    end
    owner = schema.owner(set, owner.next)
  end
  if not list[1] then
    return nil
  end
  for i = #list, 1, -1 do
    if at > limit then
      break
    end
    at = put_owner(bytes, at, set, list[i])
    bytes[at] = 44
    at = at + 1
  end
  return at - 1
end

-- Beyond the longest token nothing shows.
local LONGEST = 65535

--- Write the piece; nothing for a row without an owner.
function users.write(bytes, at, row, set)
  local offset = tonumber(row.owner)
  -- ss keeps 32 bits of an inode.
  if offset == 0 or band(row.flags, NO_OWNER) ~= 0 or row.inode % WORD == 0 then
    return at
  end
  if set.serial ~= serial then
    prefixes, serial = {}, set.serial
  end
  copy(bytes + at, " users:(", 8)
  local owner = schema.owner(set, offset)
  local behind
  if tonumber(owner.next) == 0 and band(owner.flags, OLD_LINK) == 0 then
    behind = put_owner(bytes, at + 8, set, owner)
  else
    behind = put_all(bytes, at + 8, set, owner, at + LONGEST)
    if not behind then
      return at
    end
  end
  bytes[behind] = 41
  return behind + 1
end

return users
