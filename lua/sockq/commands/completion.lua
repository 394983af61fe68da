-- sockq completion SHELL: what bash, zsh or fish source to complete sockq's words. `sockq completion words
-- -- WORD...` is what that asks: a line for each word that may stand in place of the last one, with a tab
-- before its meaning; lines that begin with a tab tell what else to do (doc/completions/ has the shells'
-- sides).

local core = require("sockq.core")
local escape = require("sockq.escape")
local hint = require("sockq.hint")
local output = require("sockq.output")

local FILES = { bash = "doc/completions/sockq.bash", zsh = "doc/completions/_sockq", fish = "doc/completions/sockq.fish" }

local function print_words(line)
  local candidates = require("sockq.completion").candidates(line)
  local lines = {}
  for _, candidate in ipairs(candidates) do
    -- What cannot be shown cannot be chosen.
    if escape.bytes(candidate[1]) == candidate[1] then
      lines[#lines + 1] = ("%s\t%s\n"):format(candidate[1], escape.bytes(candidate[2] or ""))
    end
  end
  if candidates.joined then
    lines[#lines + 1] = "\tjoined\n"
  end
  if candidates.directive then
    lines[#lines + 1] = ("\t%s\n"):format(candidates.directive)
  end
  output.write(table.concat(lines))
  return 0
end

return {
  usage = "completion bash|zsh|fish",
  doc = "what the shell sources to complete sockq's words",
  run = function(args)
    local shell = args[1]
    if shell == "words" then
      return print_words({ unpack(args, 2) })
    elseif #args ~= 1 or not FILES[shell] then
      error(("completion: %s; %s"):format(shell and shell .. " is no shell that it knows" or "a shell is missing",
        hint.remedy(shell, hint.keys(FILES))), 0)
    end
    output.write(core.embedded(FILES[shell]))
    return 0
  end,
}
