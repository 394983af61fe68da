--- The functions of expressions: what sockq.expr takes as `helpers`, with a line of documentation.
--
-- An entry: name, args (their names), doc, example { expression, result }, and as sockq.expr has it
-- min, max, types, returns, call, check.
local address = require "sockq.address"

local helpers = { list = {}, by_name = {} }

---@param entry table
local function add(entry)
  entry.max = entry.max or #entry.args
  entry.min = entry.min or #entry.args
  helpers.list[#helpers.list + 1] = entry
  helpers.by_name[entry.name] = entry
end

add {
  name = "scope", args = { "address" }, types = { "string" }, returns = "string",
  doc = "how far an address reaches: any, loopback, link, private, multicast, public",
  call = address.scope_of_text,
}
add {
  name = "match", args = { "text", "pattern" }, types = { "string" }, returns = "boolean",
  doc = "the text has a piece that fits the Lua pattern",
  call = function(text, pattern) return text:find(pattern) ~= nil end,
}
add {
  name = "lower", args = { "text" }, types = { "string" }, returns = "string",
  doc = "the text with small letters", call = string.lower,
}
-- Not math.min and math.max: with NaN their result differs between interpreter and compiled code.
add {
  name = "min", args = { "a", "b" }, types = { "number" }, returns = "number",
  doc = "the smaller of two numbers", call = function(a, b) return a < b and a or b end,
}
add {
  name = "max", args = { "a", "b" }, types = { "number" }, returns = "number",
  doc = "the larger of two numbers", call = function(a, b) return a > b and a or b end,
}
add {
  name = "floor", args = { "n" }, types = { "number" }, returns = "number",
  doc = "the largest whole number that is not above n", call = math.floor,
}
add {
  name = "abs", args = { "n" }, types = { "number" }, returns = "number",
  doc = "n without its sign", call = math.abs,
}

return helpers
