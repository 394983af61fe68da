-- Values of cells that are neither text nor whole numbers, as text.

local value = {}

local EXACT = 2 ^ 53

--- A number in the shortest form that reads back as the same number: whole ones have no exponent up
--- to 2^53. nil for what no number is: NaN and the infinities.
---@param number number
---@return string|nil
function value.number(number)
  if number ~= number or number == math.huge or number == -math.huge then
    return nil
  elseif number == 0 then
    return "0"
  elseif number % 1 == 0 and number <= EXACT and number >= -EXACT then
    return ("%.0f"):format(number)
  end
  for digits = 15, 16 do
    local text = ("%%.%dg"):format(digits):format(number)
    if tonumber(text) == number then
      return text
    end
  end
  return ("%.17g"):format(number)
end

--- Whether a value is a histogram: a list of { from, to, count }.
function value.is_histogram(list)
  local first = list[1]
  return type(first) == "table" and first.from ~= nil and first.to ~= nil and first.count ~= nil
end

local function number_text(number)
  return value.number(number) or tostring(number)
end

--- What a bucket of a histogram is called: from..to, which is no longer in it.
---@param bucket { from: number, to: number }
---@return string
function value.bucket(bucket)
  return number_text(bucket.from) .. ".." .. number_text(bucket.to)
end

local function item_text(item)
  if type(item) == "table" and item.field then
    -- A change.
    return ("%s: %s -> %s"):format(item.field, item.was == nil and "?" or value.text(item.was),
      item.is == nil and "?" or value.text(item.is))
  elseif type(item) == "table" then
    -- An owner.
    return ("%s/%s"):format(item.pid or "?", item.fd or "?")
  end
  return type(item) == "number" and number_text(item) or tostring(item)
end

--- A list in one text: its items with commas between, owners as PID/FD, changes as
--- FIELD: WAS -> IS, a histogram as from..to:count of the buckets that are not empty.
---@param list any[]
---@return string
function value.list(list)
  local parts = {}
  local histogram = value.is_histogram(list)
  for _, item in ipairs(list) do
    if not histogram then
      parts[#parts + 1] = item_text(item)
    elseif item.count ~= 0 then
      parts[#parts + 1] = value.bucket(item) .. ":" .. number_text(item.count)
    end
  end
  local first = list[1]
  local is_changes = type(first) == "table" and first.field ~= nil
  return table.concat(parts, histogram and " " or is_changes and ", " or ",")
end

--- Any value but nil as text, not escaped.
---@return string
function value.text(given)
  if type(given) == "number" then
    return number_text(given)
  elseif type(given) == "table" and getmetatable(given) == nil then
    return value.list(given)
  elseif type(given) == "cdata" then
    -- A 64-bit integer says so at its end.
    return (tostring(given):gsub("^(%-?%d+)U?LL$", "%1"))
  end
  return tostring(given)
end

return value
