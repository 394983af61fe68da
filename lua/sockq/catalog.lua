-- The words of expressions: fields of a schema, bare states and protocols, helpers, constants.
--
-- catalog.of(schema) is what sockq.expr takes. A schema describes the fields of some rows:
-- { list = { entry, … }, by_name = { [name or alias] = entry } }. The registry sockq.fields is one,
-- the result of a group or a join has another; its entries have name, type, and where a field has a
-- closed set of words, values (list of them) and also (pattern of further ones).

local address = require("sockq.address")
local addresses = require("sockq.expr.addresses")
local fields = require("sockq.fields")
local helpers = require("sockq.expr.helpers")
local state = require("sockq.state")
local tables = require("sockq.tables")

local catalog = {}

--- The constants, in the order in which the reference lists them.
catalog.constants = {
  { name = "KiB", value = 1024, doc = "bytes" },
  { name = "MiB", value = 1024 ^ 2, doc = "bytes" },
  { name = "GiB", value = 1024 ^ 3, doc = "bytes" },
  { name = "seconds", value = 1, doc = "the unit of expires, rto and ato" },
  { name = "minutes", value = 60, doc = "in seconds" },
  { name = "hours", value = 3600, doc = "in seconds" },
}

local constants = {}
for _, constant in ipairs(catalog.constants) do
  constants[constant.name] = constant.value
end

-- What fields are called elsewhere, in ss's filters, tcpdump's, lsof's.
local synonyms = {
  port = "local_port or remote_port", addr = "local_addr or remote_addr", ip = "local_addr or remote_addr",
  address = "local_addr or remote_addr",
  sport = "local_port", dport = "remote_port", src = "local_addr", dst = "remote_addr", saddr = "local_addr",
  daddr = "remote_addr", peer = "remote_addr", process = "program", command = "cmdline",
  rx_queue = "recv_q", tx_queue = "send_q", status = "state",
}

-- Bare words of a field: word → expression.
local bare = { state = {}, proto = {} }

for _, name in ipairs(state.names) do
  bare.state[name] = ("state == %q"):format(name)
end
for alias, name in pairs(state.aliases) do
  if alias:find("^[%w_]+$") then
    bare.state[alias] = ("state == %q"):format(name)
  end
end

-- A protocol's name stands for both address families, as in sockq.tcp().
local alone = { unix = true, netlink = true, packet = true, sctp = true, vsock = true, tipc = true, xdp = true }
for _, entry in pairs(tables.list) do
  local proto = entry.proto
  local base = proto:match("^(.-)6?$")
  if alone[proto] then
    bare.proto[proto] = ("proto == %q"):format(proto)
  else
    bare.proto[base] = ("proto == %q or proto == %q"):format(base, base .. "6")
    bare.proto[base .. "6"] = ("proto == %q"):format(base .. "6")
  end
end

--- Bare words by the field that they are about: { state = { LISTEN = expression, … }, proto = … }.
catalog.bare = bare

-- For a field with a closed set of words: a misspelt word is an error, and the case does not matter.
-- The set of its words, and the function from any spelling to the field's own.
local function closed(entry)
  local values, spellings = {}, {}
  for _, word in ipairs(entry.values) do
    values[word] = true
    spellings[word:lower()] = word
  end
  if entry.values == state.names then
    return values, state.canonical
  end
  return values, function(text)
    local lower = text:lower()
    return spellings[lower] or (entry.also and lower:find(entry.also) and lower) or nil
  end
end

-- Fields whose text is an address: any spelling of it is right, and anything else is wrong.
local address_fields = { [fields.by_name.local_addr] = true, [fields.by_name.remote_addr] = true }

local function make(schema)
  local made = {
    fields = {}, written = {}, predicates = {}, helpers = helpers.by_name, constants = constants,
    synonyms = synonyms,
  }
  local words = {}
  for name, entry in pairs(schema.by_name) do
    local word = words[entry]
    if not word then
      word = { name = entry.name, type = entry.type or "any", entry = entry }
      if entry.values and word.type == "string" then
        word.values, word.canonical = closed(entry)
      elseif address_fields[entry] then
        word.canonical, word.explain = address.canonical, addresses.explain
        word.comparison = addresses.comparison
      end
      words[entry] = word
    end
    made.fields[name] = word
    if not name:find("^[%a_][%w_]*$") then
      made.written[name:gsub("%s+", "")] = word
    end
  end
  for name, predicates in pairs(bare) do
    local field = made.fields[name]
    if field and field.type == "string" then
      for word, expression in pairs(predicates) do
        made.predicates[word] = expression
      end
    end
  end
  -- The rows of the registry are userdata: helpers may read their bytes.
  made.sockets = schema == fields
  return made
end

local of_sockets, of_version

--- The words of expressions over the rows that a schema describes.
---@param schema? table  nil: the registry, for socket rows
---@return table catalog  see sockq.expr; do not change it
--- Cost: about 10 µs a field; that of the registry is kept until a field is added to it.
function catalog.of(schema)
  if schema and schema ~= fields then
    return make(schema)
  end
  local version = fields.version or #fields.list
  if of_version ~= version then
    of_sockets, of_version = make(fields), version
  end
  return of_sockets
end

return catalog
