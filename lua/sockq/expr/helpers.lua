--- The functions of expressions: what sockq.expr takes as `helpers`, each with its documentation.
--
-- An entry: name, args (their names, an optional one in brackets), doc, example { expression,
-- result }, and as sockq.expr has it min, max, types, returns, call, check, specialize.
local addresses = require "sockq.expr.addresses"
local hint = require "sockq.hint"
local memo = require "sockq.expr.memo"
local pattern = require "sockq.expr.pattern"
local services = require "sockq.services"

local find = string.find
local floor = math.floor
local sformat = string.format

local helpers = { list = {}, by_name = {} }

---@param entry table
local function add(entry)
  entry.max = #entry.args
  entry.min = entry.min or #entry.args
  helpers.list[#helpers.list + 1] = entry
  helpers.by_name[entry.name] = entry
end

add(addresses.within)
add(addresses.subnet)
add(addresses.scope)

local protocols = {}
for _, name in ipairs(services.protocols()) do protocols[name] = true end

add {
  name = "service", args = { "port", "[proto]" }, min = 1, types = { "number", "string" }, returns = "string",
  doc = "the name of a port in /etc/services, unknown if it has none; of tcp, else of udp, if no protocol is given",
  example = { "service(22)", "ssh" },
  call = services.name,
  check = function(i, literal)
    if i == 1 and not (literal % 1 == 0 and literal >= 0 and literal <= 65535) then
      return sformat("%.14g is no port; ports go from 0 to 65535", literal)
    elseif i == 2 and not protocols[literal] then
      return sformat("no port of %s has a name; %s", hint.quote(literal), hint.remedy(literal, hint.keys(protocols)))
    end
  end,
}
add {
  name = "bucket", args = { "n", "width" }, types = { "number" }, returns = "number",
  doc = "the lower end of the step of that width that n lies in",
  example = { "bucket(37, 10)", 30 },
  call = function(n, width)
    if width > 0 then return floor(n / width) * width end
  end,
  check = function(i, literal)
    if i == 2 and not (literal > 0 and literal < math.huge) then
      return sformat("a width of %.14g; write one above 0, as in bucket(expires, 10)", literal)
    end
  end,
}

--- Search with a pattern that comes out of a row.
local function match(text, wanted)
  if pattern.problem(wanted) then return nil end
  return find(text, wanted) ~= nil
end

add {
  name = "match", args = { "text", "pattern" }, types = { "string" }, returns = "boolean",
  doc = "the text has a piece that fits the Lua pattern: ^ its start, $ its end, . any byte, %d digits, * + - ? repeat",
  example = { 'match("nginx: worker", "^nginx")', true },
  call = match,
  check = function(i, literal) return i == 2 and pattern.problem(literal) or nil end,
  specialize = function(node)
    local wanted = node[2].constant
    if not wanted then return nil end
    if pattern.is_plain(wanted) then
      return {
        call = function(text) return find(text, wanted, 1, true) ~= nil end, arguments = { node[1] },
      }
    end
    return { call = memo(function(text) return find(text, wanted) ~= nil end), arguments = { node[1] } }
  end,
}
add {
  name = "lower", args = { "text" }, types = { "string" }, returns = "string",
  doc = "the text with small letters", example = { 'lower("Nginx")', "nginx" }, call = string.lower,
}
-- Not math.min and math.max: with NaN their result differs between interpreter and compiled code.
add {
  name = "min", args = { "a", "b" }, types = { "number" }, returns = "number",
  doc = "the smaller of two numbers", example = { "min(3, 5)", 3 },
  call = function(a, b) return a < b and a or b end,
}
add {
  name = "max", args = { "a", "b" }, types = { "number" }, returns = "number",
  doc = "the larger of two numbers", example = { "max(3, 5)", 5 },
  call = function(a, b) return a > b and a or b end,
}
add {
  name = "floor", args = { "n" }, types = { "number" }, returns = "number",
  doc = "the largest whole number that is not above n", example = { "floor(2.7)", 2 }, call = floor,
}
add {
  name = "abs", args = { "n" }, types = { "number" }, returns = "number",
  doc = "n without its sign", example = { "abs(3 - 5)", 2 }, call = math.abs,
}

return helpers
