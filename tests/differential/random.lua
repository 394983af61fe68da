--- Random values that a seed repeats everywhere: a generator of our own (Lehmer, 31 bits).

local ffi = require "ffi"

local random = {}
random.__index = random

local MODULUS, FACTOR = 2147483647, 16807

---@param seed integer
---@return table
function random.new(seed)
  local self = setmetatable({ state = seed % (MODULUS - 1) + 1 }, random)
  for _ = 1, 8 do self:below(2) end
  return self
end

--- An integer of 0 … n - 1, for n up to 2^31.
function random:below(n)
  self.state = self.state * FACTOR % MODULUS
  return math.floor((self.state - 1) / (MODULUS - 1) * n)
end

--- An integer of low … high.
function random:range(low, high)
  return low + self:below(high - low + 1)
end

--- True with this probability.
function random:chance(probability)
  return self:below(1000000) < probability * 1000000
end

--- One element of a list; repeat an element to make it likelier.
function random:pick(list)
  return list[self:below(#list) + 1]
end

--- An element of { { weight, value }, … }.
function random:weighted(list)
  local sum = 0
  for _, entry in ipairs(list) do sum = sum + entry[1] end
  local at = self:below(sum)
  for _, entry in ipairs(list) do
    at = at - entry[1]
    if at < 0 then return entry[2] end
  end
end

--- Mix a list in place and return it.
function random:shuffle(list)
  for i = #list, 2, -1 do
    local j = self:below(i) + 1
    list[i], list[j] = list[j], list[i]
  end
  return list
end

--- Upper-case hexadecimal digits.
function random:hex(digits)
  local text = {}
  for i = 1, digits do text[i] = ("%X"):format(self:below(16)) end
  return table.concat(text)
end

--- A number below 2^32.
function random:u32()
  return self:below(65536) * 65536 + self:below(65536)
end

--- A 64-bit number in decimal.
function random:u64()
  local value = ffi.cast("uint64_t", self:u32()) * 4294967296ULL + self:u32()
  return (tostring(value):gsub("ULL", ""))
end

return random
