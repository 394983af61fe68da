--- A strict reader of JSON (RFC 8259), for what the program printed: no raw control byte in a string,
--- no byte that is no UTF-8, nothing behind the value.
--
--   local row = json.decode('{"path":"a\\u001bb"}')       -- null is json.null

local json = {}

--- What null becomes.
json.null = setmetatable({}, { __tostring = function() return "null" end })

local ESCAPES = { ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

local function wrong(what, at) error(("no JSON: %s at byte %d"):format(what, at), 0) end

local function utf8(code)
  if code < 0x80 then return string.char(code) end
  if code < 0x800 then return string.char(0xC0 + math.floor(code / 64), 0x80 + code % 64) end
  if code < 0x10000 then
    return string.char(0xE0 + math.floor(code / 4096), 0x80 + math.floor(code / 64) % 64, 0x80 + code % 64)
  end
  return string.char(0xF0 + math.floor(code / 262144), 0x80 + math.floor(code / 4096) % 64,
    0x80 + math.floor(code / 64) % 64, 0x80 + code % 64)
end

-- Shortest forms only, no surrogates, nothing above U+10FFFF.
local UTF8 = {
  "^[\1-\127]", "^[\194-\223][\128-\191]", "^\224[\160-\191][\128-\191]", "^[\225-\236\238\239][\128-\191][\128-\191]",
  "^\237[\128-\159][\128-\191]", "^\240[\144-\191][\128-\191][\128-\191]",
  "^[\241-\243][\128-\191][\128-\191][\128-\191]", "^\244[\128-\143][\128-\191][\128-\191]",
}

--- Where a text stops being UTF-8, nil if it does not.
---@param text string
---@return integer?
function json.bad_utf8(text)
  local at = 1
  while at <= #text do
    local last
    for _, pattern in ipairs(UTF8) do
      last = last or select(2, text:find(pattern, at))
    end
    if not last then return at end
    at = last + 1
  end
end

local function hex4(text, at)
  local digits = text:match("^%x%x%x%x", at) or wrong("an escape without four digits", at)
  return tonumber(digits, 16)
end

local function unescape(text, at)
  local letter = text:sub(at, at)
  if letter ~= "u" then return ESCAPES[letter] or wrong("an unknown escape", at), at + 1 end
  local code = hex4(text, at + 1)
  at = at + 5
  if code >= 0xD800 and code < 0xDC00 then
    if text:sub(at, at + 1) ~= "\\u" then wrong("half a pair of surrogates", at) end
    local low = hex4(text, at + 2)
    if low < 0xDC00 or low > 0xDFFF then wrong("half a pair of surrogates", at) end
    return utf8(0x10000 + (code - 0xD800) * 1024 + low - 0xDC00), at + 6
  elseif code >= 0xDC00 and code < 0xE000 then
    wrong("half a pair of surrogates", at)
  end
  return utf8(code), at
end

local function read_string(text, at)
  local parts = {}
  at = at + 1
  while true do
    local plain = text:match('^[^%c"\\]*', at)
    parts[#parts + 1], at = plain, at + #plain
    local byte = text:sub(at, at)
    if byte == '"' then return table.concat(parts), at + 1 end
    if byte == "\127" then
      parts[#parts + 1], at = byte, at + 1
    elseif byte == "\\" then
      parts[#parts + 1], at = unescape(text, at + 1)
    else
      wrong("a control byte in a string", at)
    end
  end
end

local read_value

local function blanks(text, at) return text:match("^[ \t\r\n]*()", at) end

local function read_list(text, at, close, read_item)
  at = blanks(text, at + 1)
  if text:sub(at, at) == close then return at + 1 end
  while true do
    at = blanks(text, read_item(at))
    local byte = text:sub(at, at)
    if byte == close then return at + 1 end
    if byte ~= "," then wrong("neither a comma nor " .. close, at) end
    at = blanks(text, at + 1)
  end
end

function read_value(text, at)
  local byte = text:sub(at, at)
  if byte == '"' then return read_string(text, at) end
  if byte == "[" then
    local list = {}
    at = read_list(text, at, "]", function(from)
      list[#list + 1], from = read_value(text, from)
      return from
    end)
    return list, at
  elseif byte == "{" then
    local object = {}
    at = read_list(text, at, "}", function(from)
      if text:sub(from, from) ~= '"' then wrong("a key that is no string", from) end
      local key
      key, from = read_string(text, from)
      from = blanks(text, from)
      if text:sub(from, from) ~= ":" then wrong("no colon behind a key", from) end
      object[key], from = read_value(text, blanks(text, from + 1))
      return from
    end)
    return object, at
  end
  for word, value in pairs { null = json.null, ["true"] = true, ["false"] = false } do
    if text:sub(at, at + #word - 1) == word then return value, at + #word end
  end
  local number = text:match("^%-?[1-9]%d*%.?%d*[eE]?[+-]?%d*", at) or text:match("^%-?0%.?%d*[eE]?[+-]?%d*", at)
  return number and tonumber(number) or wrong("no value", at), at + #(number or "")
end

--- The value that a text holds; what is no JSON raises an error.
---@param text string
function json.decode(text)
  local bad = json.bad_utf8(text)
  if bad then wrong("a byte that is no UTF-8", bad) end
  local value, at = read_value(text, blanks(text, 1))
  at = blanks(text, at)
  if at <= #text then wrong("something behind the value", at) end
  return value
end

return json
