-- The types of arguments: from the text on the command line to a value.

local address = require("sockq.address")
local core = require("sockq.core")
local hint = require("sockq.hint")

local argument = {}

local function no_service(name)
  local known = {}
  for _, protocol in ipairs({ "tcp", "udp" }) do
    for _, service in pairs(core.services(protocol)) do
      known[service] = true
    end
  end
  return nil, hint.remedy(name, hint.keys(known), "give a number from 0 to 65535 or a service's name")
end

local function port(text)
  local number = text:find("^%d+$") and tonumber(text)
  if not number then
    local known = core.port(text)
    if known then
      return known
    end
    return no_service(text)
  end
  return number <= 65535 and number or nil
end

local function one_address(text)
  return address.canonical(text:match("^%[(.*)%]$") or text)
end

local function cidr(text)
  local network = address.network(text)
  return network and address.network_text(network)
end

local UNITS = { ms = 0.001, s = 1, m = 60, h = 3600, d = 86400 }

local function duration(text)
  if text:find("^%d+%.?%d*$") then
    return tonumber(text)
  end
  local seconds, rest = 0, text
  while rest ~= "" do
    local number, unit, behind = rest:match("^(%d+%.?%d*)(%l+)(.*)$")
    if not number or not UNITS[unit] then
      return nil
    end
    seconds, rest = seconds + tonumber(number) * UNITS[unit], behind
  end
  return text ~= "" and seconds or nil
end

local function count(text)
  return #text <= 15 and text:find("^%d+$") and tonumber(text) or nil
end

local function number(text)
  local plain = text:find("^[+-]?%d+%.?%d*$") or text:find("^[+-]?%d*%.%d+$")
    or text:find("^[+-]?%d+%.?%d*[eE][+-]?%d+$")
  local value = plain and tonumber(text)
  return value and value - value == 0 and value or nil
end

local function word(text, spec)
  for _, choice in ipairs(spec.words) do
    if choice:lower() == text:lower() then
      return choice
    end
  end
  return nil, hint.remedy(text, spec.words)
end

-- Conditions on sockets, as the command line takes them: expressions, :PORT, ADDR, ADDR/LEN.
local function condition(text)
  local expr = require("sockq.expr")
  local expanded, refused = expr.argument(text)
  if not expanded then
    return nil, expr.explain_error(refused), refused
  end
  local compiled, wrong, problem = require("sockq.keys").condition(expanded, require("sockq.fields"))
  if not compiled then
    return nil, wrong, problem
  end
  return expanded
end

--- The types: what one is called, how to give it, the Lua type of its value, and its parser, which
--- returns the value or nil and a better remedy; of an expression nil, the message and the place.
argument.types = {
  port = { is = "port", form = "a number from 0 to 65535 or a service's name", value = "number", parse = port },
  address = { is = "address", form = "an IPv4 or IPv6 address", value = "string", parse = one_address },
  cidr = { is = "network", form = "one as 10.0.0.0/8, or an address", value = "string", parse = cidr },
  duration = { is = "duration", form = "seconds, or a number with ms, s, m, h or d, as 90, 1.5s or 1h30m",
    value = "number", parse = duration },
  count = { is = "count", form = "a whole number from 0", value = "number", parse = count },
  number = { is = "number", form = "one as 10, -2.5 or 1e3", value = "number", parse = number },
  expression = { is = "expression", form = "a condition on sockets, as 'recv_q > 0', :443 or 10.0.0.0/8",
    value = "string", parse = condition },
  string = { is = "text", form = "any text", value = "string", parse = function(text) return text end },
  word = { is = "choice", form = "one of its words", value = "string", parse = word },
}

--- How to give a value: "one of fast, slow".
---@param spec table  an argument's entry in its specification
---@return string
function argument.form_of(spec)
  return spec.words and "one of " .. table.concat(spec.words, ", ") or argument.types[spec.type].form
end

--- Read a value of an argument's type.
---@param spec table
---@param text string
---@return any value             # nil if the text is wrong,
---@return string|nil message    # what is wrong; what to do
---@return table|nil problem     # of an expression: where in its text
function argument.read(spec, text)
  local kind = argument.types[spec.type]
  local value, remedy, problem = kind.parse(text, spec)
  if value == nil and problem then
    return nil, remedy, problem
  elseif value == nil then
    return nil, ("%s is no %s; %s"):format(text == "" and "an empty text" or text, kind.is,
      remedy or "give " .. argument.form_of(spec))
  end
  return value
end

return argument
