-- The ephemeral ports of what is read: ss gives these no names.

local core = require("sockq.core")
local schema = require("sockq.schema")
local set = require("sockq.set")

local C = schema.C

local range = {}

local PATH = "sys/net/ipv4/ip_local_port_range"
-- What ss takes where the file is missing.
local DEFAULT = { 1024, 4999 }

local function number_of_fact()
  local number = 0
  local path = core.fact_path(number)
  while path do
    if path == PATH then
      return number
    end
    number = number + 1
    path = core.fact_path(number)
  end
end

local known

--- Read anew the next time, as of another tree.
function range.forget()
  known = nil
end

--- The first and last ephemeral port, read once.
---@return integer[]
function range.read()
  if known then
    return known
  end
  local collected = set.collect(0, 0, tonumber(C.SOCKQ_WITH_FACTS))
  local final, seen = false, 0
  while not final do
    seen, final = set.wait(collected, seen)
  end
  local handle = set.handle(collected)
  local wanted = number_of_fact()
  local fact = schema.fact(handle, handle.set.facts)
  known = DEFAULT
  while fact do
    if tonumber(fact.file) == wanted and fact.error == 0 then
      local first, last = (schema.text(handle, fact.text, fact.text_len) or ""):match("^%s*(%d+)%s+(%d+)")
      known = first and { tonumber(first), tonumber(last) } or DEFAULT
    end
    fact = schema.fact(handle, fact.next)
  end
  set.release(collected)
  return known
end

return range
