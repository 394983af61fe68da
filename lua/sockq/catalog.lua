-- The words of expressions: fields, bare states and protocols, helpers, constants.

local address = require("sockq.address")
local fields = require("sockq.fields")
local state = require("sockq.state")
local tables = require("sockq.tables")

local catalog = { fields = {}, predicates = {}, helpers = {}, constants = {} }

for name, field in pairs(fields.by_name) do
  catalog.fields[name] = { name = field.name, type = field.type }
end
catalog.fields.state.values = {}
for _, name in ipairs(state.names) do
  catalog.fields.state.values[name] = true
end
catalog.fields.state.canonical = state.canonical

-- Fields with a closed set of words: a misspelt word is an error, and the case does not matter.
local function closed(name, words, others)
  local values = {}
  for _, word in ipairs(words) do
    values[word] = true
  end
  catalog.fields[name].values = values
  catalog.fields[name].canonical = function(text)
    local lower = text:lower()
    return (values[lower] or (others and lower:find(others))) and lower or nil
  end
end

local protos = {}
for _, entry in pairs(tables.list) do
  protos[#protos + 1] = entry.proto
end
closed("proto", protos)
closed("family", { "inet", "inet6", "unix", "netlink", "packet" })
closed("timer", { "off", "on", "keepalive", "timewait", "probe" }, "^unkn%-%d+$")
for _, name in ipairs({ "scope", "remote_scope" }) do
  closed(name, { "any", "loopback", "link", "private", "multicast", "public" })
end

for _, name in ipairs(state.names) do
  catalog.predicates[name] = ("state == %q"):format(name)
end
for alias, name in pairs(state.aliases) do
  if alias:find("^[%w_]+$") then
    catalog.predicates[alias] = ("state == %q"):format(name)
  end
end

-- A protocol's name stands for both address families, as in sockq.tcp().
local alone = { unix = true, netlink = true, packet = true }
for _, entry in pairs(tables.list) do
  local proto = entry.proto
  local base = proto:match("^(.-)6?$")
  if alone[proto] or proto == "sctp" then
    catalog.predicates[proto] = ("proto == %q"):format(proto)
  else
    catalog.predicates[base] = ("proto == %q or proto == %q"):format(base, base .. "6")
    catalog.predicates[base .. "6"] = ("proto == %q"):format(base .. "6")
  end
end

catalog.helpers.lower = { min = 1, max = 1, types = { "string" }, returns = "string", call = string.lower }
catalog.helpers.match = {
  min = 2, max = 2, types = { "string", "string" }, returns = "boolean",
  call = function(text, pattern)
    return text:find(pattern) ~= nil
  end,
}
catalog.helpers.scope = {
  min = 1, max = 1, types = { "string" }, returns = "string", call = address.scope_of_text,
}
-- Not math.min and math.max: with NaN their result differs between interpreter and compiled code.
catalog.helpers.min = {
  min = 2, max = 2, types = { "number", "number" }, returns = "number",
  call = function(a, b)
    return a < b and a or b
  end,
}
catalog.helpers.max = {
  min = 2, max = 2, types = { "number", "number" }, returns = "number",
  call = function(a, b)
    return a > b and a or b
  end,
}
catalog.helpers.floor = { min = 1, max = 1, types = { "number" }, returns = "number", call = math.floor }
catalog.helpers.abs = { min = 1, max = 1, types = { "number" }, returns = "number", call = math.abs }

catalog.constants.KiB = 1024
catalog.constants.MiB = 1024 ^ 2
catalog.constants.GiB = 1024 ^ 3
catalog.constants.seconds = 1
catalog.constants.minutes = 60
catalog.constants.hours = 3600

return catalog
