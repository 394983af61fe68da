--- A small harness: count checks, say what failed, end with the right exit status.
--
--   local check = require "check"
--   check.equal("adds", 1 + 1, 2)
--   check.finish()            -- prints "1 passed, 0 failed" and exits

local check = {}

--- Exit status by which ctest knows a skipped test (SKIP_RETURN_CODE 77).
check.SKIPPED = 77

local passed, failed = 0, 0
local at_end = {}

--- A value in one line: text quoted, control bytes as escapes, at most 400 bytes.
---@param value any
---@return string
function check.show(value)
  if type(value) ~= "string" then return tostring(value) end
  local text = value:sub(1, 400):gsub('[%c"\\\127-\255]', function(byte)
    if byte == "\n" then return "\\n" end
    if byte == '"' or byte == "\\" then return "\\" .. byte end
    return ("\\x%02x"):format(byte:byte())
  end)
  return '"' .. text .. '"' .. (#value > 400 and ("... (%d bytes)"):format(#value) or "")
end

--- Count one success.
function check.pass()
  passed = passed + 1
end

--- Count one failure and print why.
---@param name string
---@param detail? string  may have several lines
function check.fail(name, detail)
  failed = failed + 1
  io.stdout:write("FAIL ", name, "\n")
  if detail and detail ~= "" then
    io.stdout:write("  ", (tostring(detail):gsub("\n+$", ""):gsub("\n", "\n  ")), "\n")
  end
  io.stdout:flush()
end

---@param name string
---@param condition any
---@param detail? string  printed when it does not hold
---@return boolean
function check.ok(name, condition, detail)
  if condition then check.pass() else check.fail(name, detail) end
  return not not condition
end

--- Two values must be equal by `==`.
---@return boolean
function check.equal(name, got, want)
  return check.ok(name, got == want, "got  " .. check.show(got) .. "\nwant " .. check.show(want))
end

--- A text must contain another, taken literally.
---@return boolean
function check.contains(name, text, piece)
  return check.ok(name, type(text) == "string" and text:find(piece, 1, true),
    "in       " .. check.show(text) .. "\nno piece " .. check.show(piece))
end

--- A call must raise an error whose text contains `piece`.
---@return boolean
function check.raises(name, piece, func, ...)
  local ok, why = pcall(func, ...)
  if ok then
    check.fail(name, "no error was raised")
    return false
  end
  return check.contains(name, tostring(why), piece)
end

--- How many checks passed and failed so far.
---@return integer passed
---@return integer failed
function check.counts()
  return passed, failed
end

--- Have a function called before finish() or skip() ends the program, those given last first.
---@param func function
function check.at_end(func)
  at_end[#at_end + 1] = func
end

local function leave(status)
  -- The last one first: what stands on another goes before it.
  for i = #at_end, 1, -1 do at_end[i]() end
  io.stdout:flush()
  os.exit(status)
end

--- End the program as skipped, loudly.
---@param reason string
function check.skip(reason)
  io.stderr:write("SKIPPED: ", reason, "\n")
  leave(check.SKIPPED)
end

--- Print "N passed, N failed" and exit: 1 after a failure, and also when nothing was checked.
function check.finish()
  if passed + failed == 0 then io.stdout:write("no check was made\n") end
  io.stdout:write(("%d passed, %d failed\n"):format(passed, failed))
  leave((failed > 0 or passed == 0) and 1 or 0)
end

return check
