-- The field registry: every field of a row stands here once. Row access, expressions, `sockq
-- fields`, columns and doc/fields.md come from it.
--
-- An entry: name, type (string, integer, number, boolean, list), identifies (true for numbers that
-- are names: not to be added up), unit, doc (one line), sources (table groups of tables.lua that
-- fill it), needs (what is read only for it: words of fields.NEEDS, blanks between them), values (list
-- of the words that it can be; also = pattern of further ones), of_owner (set here: it tells of one owner), from
-- ("diag": only sock_diag knows it, "proc": only the text of /proc; else both), diag (those of sources of
-- which only sock_diag knows it), prefer (the one of both that knows more, or asks less for it), and
-- get(row, set, userdata): the value, nil when the source cannot know it; key: the same for groups,
-- anything that tells values apart as well and costs less. raw is what the kernel
-- printed even where that means nothing; row:raw(name) gives it.

local diag = require("sockq.fields.diag")
local family = require("sockq.fields.family")
local hint = require("sockq.hint")
local others = require("sockq.fields.other")
local owner = require("sockq.owner")
local row = require("sockq.fields.row")
local schema = require("sockq.schema")
local tcp = require("sockq.fields.tcp")

local C, band = schema.C, bit.band
local WITH_OWNERS = tonumber(C.SOCKQ_WITH_OWNERS)

local list = {}
for _, part in ipairs({ row.list, tcp, diag, family, others }) do
  for _, field in ipairs(part) do
    list[#list + 1] = field
  end
end

--- The registry: list in order; by_name, short forms included; getters and raws by the same names;
--- version, which grows with each field that a script adds.
local fields = { list = list, by_name = {}, getters = {}, raws = {}, version = 0 }

--- What a field can need besides the tables: request flags by name.
fields.NEEDS = {
  owners = WITH_OWNERS, cgroups = tonumber(C.SOCKQ_WITH_CGROUPS), comm = tonumber(C.SOCKQ_WITH_COMM),
  exe = tonumber(C.SOCKQ_WITH_EXE), started = tonumber(C.SOCKQ_WITH_STARTED),
  netns = tonumber(C.SOCKQ_WITH_NETNS), peers = bit.bor(WITH_OWNERS, tonumber(C.SOCKQ_WITH_PEERS)),
  info = tonumber(C.SOCKQ_WITH_INFO), cc = tonumber(C.SOCKQ_WITH_CC), memory = tonumber(C.SOCKQ_WITH_MEMORY),
  tos = tonumber(C.SOCKQ_WITH_TOS), details = tonumber(C.SOCKQ_WITH_DETAILS),
  cgroup_paths = tonumber(C.SOCKQ_WITH_CGROUP_PATHS), filters = tonumber(C.SOCKQ_WITH_FILTERS),
}

--- Those of them that ask sock_diag for more than a row, and spare /proc/PID.
fields.OF_DIAG = { info = true, cc = true, memory = true, tos = true, details = true, cgroup_paths = true, filters = true }

local function register(field)
  field.of_owner = field.of_owner or row.of_owners[field.get]
  for _, name in ipairs({ field.name, unpack(field.alias or {}) }) do
    fields.by_name[name] = field
    fields.getters[name], fields.raws[name] = field.get, field.raw
    fields.getters[name .. "#"] = field.key -- for keys.lua alone
  end
end

for _, field in ipairs(list) do
  register(field)
end

--- Add a field: from here on it is used like a built-in one. One of the same name is replaced.
---@param field table  an entry as above
function fields.add(field)
  local place = #list + 1
  for i, other in ipairs(list) do
    place = other.name == field.name and i or place
  end
  list[place] = field
  fields.version = fields.version + 1
  register(field)
end

--- The name of a hidden field for grouping.lua: true where a socket has several descriptors.
---@param names table<string, boolean>  fields that are read of such a row
---@return string
function fields.shared(names)
  local told = {}
  for name in pairs(names) do
    told[name] = fields.by_name[name] and fields.by_name[name].of_owner
  end
  local flags = fields.flags(told)
  flags = flags == WITH_OWNERS and flags or band(flags, bit.bnot(WITH_OWNERS))
  local name = "shared#" .. flags
  fields.getters[name] = fields.getters[name] or function(one, set, userdata)
    return (owner.shared(one, set, userdata, flags))
  end
  return name
end

--- Let the timers of all rows run on: expires and when are as they will be `seconds` after the rows
--- were read. For a live view between two looks; 0 ends it.
---@param seconds number
fields.set_age = row.set_age

--- Names of all fields and their short forms, sorted.
---@return string[]
function fields.names()
  return hint.keys(fields.by_name)
end

--- Where all fields are listed, for messages.
fields.LISTED = "sockq fields lists them"

--- What to do about a field that does not exist.
---@return string
function fields.remedy(name)
  return hint.remedy(name, fields.names(), fields.LISTED)
end

--- The request flags that reading some fields needs.
---@param names table<string, boolean>
---@return number
function fields.flags(names)
  local flags = 0
  for name in pairs(names) do
    local field = fields.by_name[name]
    for need in (field and field.needs or ""):gmatch("%S+") do
      flags = bit.bor(flags, fields.NEEDS[need])
    end
  end
  return flags
end

--- Which source tells best what some fields are: "diag" where one of them is known to sock_diag alone,
--- else "proc" where one is known to the text of /proc alone, else by what they prefer; nil: either.
---@param names table<string, boolean>
---@return string|nil
function fields.source(names)
  local from, prefer
  for name in pairs(names) do
    local field = fields.by_name[name]
    if field then
      from = (from == "diag" or field.from == "diag") and "diag" or from or field.from
      prefer = (prefer == "diag" or field.prefer == "diag") and "diag" or prefer or field.prefer
    end
  end
  return from or prefer
end

--- Which source knows a field, for people.
---@param field table  an entry
---@return string
function fields.known_by(field)
  if field.from then
    return field.from == "diag" and "sock_diag" or "proc"
  end
  return "both"
end

return fields
