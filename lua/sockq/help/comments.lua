-- Doc comments of Lua sources: what stands in lines that begin with three hyphens above a function.
-- Help about verbs, the manual page sockq-lua(3) and an editor's types come from them.

local comments = {}

local DECLARATIONS = {
  "^%s*function ([%w_]+)([.:])([%w_]+)%((.-)%)",
  "^%s*([%w_]+)(%.)([%w_]+) = function%((.-)%)",
  "^%s*([%w_]+)(%.)([%w_]+) = ",
  "^%s*([%w_]+)(%[)([%w_]+)%] = function%((.-)%)",
}

-- "name? type  meaning": two blanks stand before the meaning.
local function parameter(text)
  local name, rest = text:match("^(%S+)%s+(.*)$")
  local kind, meaning = rest:match("^(.-)%s%s+(.*)$")
  return { name = name:gsub("%?$", ""), optional = name:find("?", 1, true) ~= nil, type = kind or rest,
    doc = meaning or "" }
end

local function result(text)
  local kind, meaning = text:match("^(.-)%s%s*#%s*(.*)$")
  return { type = kind or text, doc = meaning or "" }
end

local function append(text, more)
  return text == "" and more or text .. " " .. more
end

-- Lines without their hyphens, as text before the tags, parameters, results and notes behind them. A
-- note that begins with a word and a colon ("Memory: …") is one of its own.
local function read_block(lines)
  local read = { text = "", params = {}, returns = {}, notes = {} }
  local current
  for _, line in ipairs(lines) do
    local tag, rest = line:match("^@(%a+)%s*(.*)$")
    local continued = current and line:match("^%s%s+(.*)$")
    if tag == "param" then
      current = parameter(rest)
      table.insert(read.params, current)
    elseif tag == "return" then
      current = result(rest)
      table.insert(read.returns, current)
    elseif tag then
      current = nil
    elseif continued then
      current.doc = append(current.doc, continued)
    elseif #read.params + #read.returns > 0 then
      current = nil
      local begins = #read.notes == 0 or line:find("^%s*%u%l+: ")
      local place = begins and #read.notes + 1 or #read.notes
      read.notes[place] = append(read.notes[place] or "", (line:gsub("^%s+", "")))
    else
      read.text = append(read.text, (line:gsub("^%s+", "")))
    end
  end
  return read
end

local function declaration(line)
  for _, pattern in ipairs(DECLARATIONS) do
    local owner, separator, name, arguments = line:match(pattern)
    if owner then
      return { owner = owner, separator = separator, name = name, arguments = arguments }
    end
  end
  return nil
end

--- The documented functions of a source, in its order.
---@param source string
---@return table[]  # { owner, separator, name, arguments (nil for a value), text, params = { { name,
---   optional, type, doc } … }, returns = { { type, doc } … }, notes = { text, … } }; owner is the table that the
---   source puts it into; separator is "." or ":", or "[" where it stands in a loop over names
function comments.read(source)
  local found, block = {}, {}
  for line in (source .. "\n"):gmatch("([^\n]*)\n") do
    local text = line:match("^%s*%-%-%-%s?(.*)$")
    if text then
      block[#block + 1] = text
    else
      local declared = #block > 0 and declaration(line)
      if declared then
        local read = read_block(block)
        for key, value in pairs(declared) do
          read[key] = value
        end
        found[#found + 1] = read
      end
      block = {}
    end
  end
  return found
end

return comments
