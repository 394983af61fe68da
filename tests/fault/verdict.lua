--- Whether what a run printed is right, or wrong and says so.

local verdict = {}

local function lines_of(text)
  local list = {}
  for line in text:gmatch("([^\n]*)\n") do list[#list + 1] = line end
  return list
end

local function words_of(line)
  local list = {}
  for word in line:gmatch("[^%s,:;{}\"]+") do list[#list + 1] = word end
  return list
end

-- What stands where nothing is known.
local UNKNOWN = { ["-"] = true, null = true }

-- A printed line is a right one, but for words that are left out or said to be unknown. In what counts,
-- fewer may have been counted. Where the name service fails, numbers stand for names.
local function line_fits(got, want, right)
  local a, b, k = words_of(got), words_of(want), 1
  for _, word in ipairs(a) do
    local number = right.numbers and tonumber(word)
    while not UNKNOWN[word] do
      if not b[k] then return false end
      k = k + 1
      if b[k - 1] == word or right.names and right.names[b[k - 1]] == word or
        number and tonumber(b[k - 1]) and number <= tonumber(b[k - 1]) then break end
    end
  end
  return true
end

local function find_line(list, line, right)
  for i, want in ipairs(list) do
    if line_fits(line, want, right) then return i end
  end
end

-- Messages of netstat, where sockq stands in for it, and the one about rights: the rest is read.
local function is_about_rights(err)
  return err:find("processes may not be read", 1, true) or err:find("Not all processes could be identified", 1, true)
    or err:find('No info could be read for "-p"', 1, true)
end

-- The first printed line that is none of the right ones.
local function wrong_line(out, right)
  local list = lines_of(right.lines)
  for _, line in ipairs(lines_of(out)) do
    local i = find_line(list, line, right)
    if not i then return line end
    table.remove(list, i)
  end
end

-- What sockq's netstat says in netstat's words.
local NETSTAT = { "^%(", "^ will not", "^/proc/net/", "^warning, got bogus", "^netstat: no support",
  -- libc's own, where memory ends while it loads a name service.
  "^Unexpected error%.$" }

-- libseccomp 2.5 frees twice where memory ends while it makes a filter: before any Lua, libc notices, and
-- another process tells that it was ended.
local ABORTED = "^[%l_]+[^\n]+\nsockq: [^\n]+ ended by signal 6 %(Aborted%)\n$"

local function is_message(err)
  if err:find(ABORTED) then return true end
  if err:sub(-1) ~= "\n" or not err:find("^sockq: ") and not err:find("\nsockq: ") then return false end
  for _, line in ipairs(lines_of(err)) do
    local known = line:find("^sockq: ") or line:find("^  ")
    for _, pattern in ipairs(NETSTAT) do known = known or line:find(pattern) end
    if not known then return false end
  end
  return true
end

--- Judge a run.
---@param result table  of runner
---@param right { status: integer, out: string, lines: string, numbers: boolean?, names: table? }  lines:
---   those that may be printed when rows are missing; names: their numbers by names; refused: it is
---   netstat's listing or ss', and a right was missing
---@return "right"|"numbers"|"said"|"wrong", string?  # why it is wrong; numbers: right, but for them in
---   place of names
function verdict.of(result, right)
  if result.hung then return "wrong", "it hung" end
  if result.left > 0 then return "wrong", "a process was left" end
  if result.status == right.status and result.out == right.out then
    return "right"
  end
  local whole_lines = result.out == "" or result.out:sub(-1) == "\n"
  -- netstat keeps silent about files of a process that it may not read, and so does sockq's.
  local is_told = is_about_rights(result.err) or right.refused
  if result.status == right.status and is_told then
    local line = wrong_line(result.out, right)
    if not whole_lines or line then return "wrong", "not true: " .. tostring(line) end
    return "said"
  elseif result.status == right.status and right.names and #lines_of(result.out) == #lines_of(right.out) and
    not wrong_line(result.out, right) then
    return "numbers"
  elseif result.status ~= 2 and result.status ~= 3 then
    return "wrong", ("status %d, and the output is not the right one"):format(result.status)
  elseif not is_message(result.err) then
    return "wrong", ("status %d without a message"):format(result.status)
  elseif not whole_lines then
    return "wrong", "half a line"
  end
  local line = wrong_line(result.out, right)
  if line then return "wrong", "a line that is not true: " .. line end
  return "said"
end

return verdict
