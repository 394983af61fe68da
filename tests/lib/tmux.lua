--- A program in a terminal of tmux: type, resize, look at the screen.
--
--   local screen = tmux.start({ "sh" }, { columns = 80, rows = 24, env = { … } })
--   screen:type("ls\r")
--   screen:wait_for("README", 5)
--   tmux.cleanup()

local posix = require "posix"
local program = require "program"
local spawn = require "spawn"

local tmux = {}

local Screen = {}
Screen.__index = Screen
local running = {}

--- Whether tmux is installed.
function tmux.is_there()
  return program.has("tmux")
end

local function command(screen, words)
  local argv = { "tmux", "-S", screen.socket, "-f", "/dev/null" }
  for _, word in ipairs(words) do argv[#argv + 1] = word end
  return posix.run(argv, { env = { TMUX = false, LC_ALL = "C.UTF-8", TERM = "xterm-256color" }, timeout = 20 })
end

--- Start a command in a server of its own.
---@param argv string[]
---@param opts { columns: integer?, rows: integer?, env: table<string, string|false>? }
function tmux.start(argv, opts)
  local folder = posix.tmpdir("sockq-tmux")
  local screen = setmetatable({ socket = folder .. "/socket" }, Screen)
  local words = { "new-session", "-d", "-x", tostring(opts.columns or 80), "-y", tostring(opts.rows or 24), "env" }
  for name, value in pairs(opts.env or {}) do
    if value then
      words[#words + 1] = name .. "=" .. value
    else
      table.insert(words, 8, "-u")
      table.insert(words, 9, name)
    end
  end
  for _, word in ipairs(argv) do words[#words + 1] = word end
  local status, _, err = command(screen, words)
  if status ~= 0 then error("tmux: " .. err, 2) end
  running[screen] = true
  return screen
end

--- Type text as it is.
---@param text string
function Screen:type(text)
  command(self, { "send-keys", "-l", text })
end

--- Press keys by tmux's names: "Enter", "C-c", "Up", "PPage".
function Screen:press(...)
  command(self, { "send-keys", ... })
end

--- Type bytes, whatever they are.
---@param ... string
function Screen:bytes(...)
  local bytes = table.concat({ ... })
  for from = 1, #bytes, 400 do
    local words = { "send-keys", "-H" }
    for byte in bytes:sub(from, from + 399):gmatch(".") do words[#words + 1] = ("%02x"):format(byte:byte()) end
    command(self, words)
  end
end

function Screen:resize(columns, rows)
  command(self, { "resize-window", "-x", tostring(columns), "-y", tostring(rows) })
end

--- The screen, a line feed after each line, blanks at the ends of lines left out.
---@param attributes? boolean  with escape sequences for colours and attributes
---@return string
function Screen:text(attributes)
  local _, out = command(self, { "capture-pane", "-p", attributes and "-e" or nil })
  return out
end

--- What tmux knows of the pane: "#{alternate_on}", "#{cursor_flag}".
---@param format string
---@return string
function Screen:ask(format)
  local _, out = command(self, { "display-message", "-p", format })
  return (out:gsub("\n$", ""))
end

--- Wait until the screen holds a text, or a condition over it is true.
---@param what string|fun(text: string): any  a text may begin with the line feed that is before it
---@param seconds? number  at most, default 10
---@return boolean found, string text
function Screen:wait_for(what, seconds)
  local text
  local found = spawn.wait_for(seconds or 10, function()
    text = self:text()
    if type(what) == "function" then return what(text) end
    return ("\n" .. text):find(what, 1, true)
  end)
  return found and true or false, text
end

--- Wait until its last line, empty ones aside, is this: a prompt.
---@return boolean found, string text
function Screen:ends_with(line, seconds)
  return self:wait_for(function(text) return text:gsub("%s+$", ""):match("[^\n]*$") == line end, seconds)
end

--- End the server and what runs in it.
function Screen:finish()
  command(self, { "kill-server" })
  running[self] = nil
end

--- finish() for all that were started.
function tmux.cleanup()
  for screen in pairs(running) do screen:finish() end
end

return tmux
