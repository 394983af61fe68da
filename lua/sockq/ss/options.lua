-- The command line of ss (iproute2 6.1.0): its options in order, and the words behind them. The C
-- library's getopt_long parses, as it does for ss.

local core = require("sockq.core")
local escape = require("sockq.escape")
local families = require("sockq.ss.families")
local states = require("sockq.ss.states")
local usage = require("sockq.ss.usage")

local options = {}

local SHORTS, LONGS = core.ss_options()
-- What stands for a long name.
local LETTERS = {}
for _, long in ipairs(LONGS) do
  LETTERS[long[1]] = long.letter
end

local TABLES = { t = "tcp", u = "udp", d = "dccp", w = "raw", S = "sctp", M = "mptcp" }
local FAMILIES = { ["4"] = "inet", ["6"] = "inet6", ["0"] = "link", x = "unix", vsock = "vsock", tipc = "tipc",
  xdp = "xdp" }
-- What an option switches on; -e and -b bring -o along, -T brings -p.
local SHOWS = {
  n = { "numeric" }, r = { "resolve" }, o = { "options" }, e = { "options", "extended" }, m = { "memory" },
  i = { "info" }, p = { "processes" }, T = { "processes", "threads" }, b = { "options", "bpf" }, tos = { "tos" },
  cgroup = { "cgroup" }, tipcinfo = { "tipcinfo" }, ["inet-sockopt"] = { "inet_sockopt" }, O = { "oneline" },
}

-- What sockq does not do, whoever asks.
local REFUSED = {
  K = "-K closes sockets; sockq only reads: ss -K does it",
  D = "-D writes what the kernel said to a file; sockq only reads: ss -D does it",
}

--- A result that ends the program: its status, and what goes to stdout and stderr.
---@class sockq.ss.End
---@field status integer
---@field out? string
---@field err? string

--- The end of a run on account of a mistake: what is wrong, and the help.
---@param message string
---@return sockq.ss.End
function options.usage_error(message)
  return { status = 255, err = message .. usage.TEXT }
end

--- What the command line says.
---@class sockq.ss.Chosen
---@field show table<string, boolean>  what is printed, by the names of sockq.ss.Plan's show
---@field choice sockq.ss.Choice
---@field states integer      the explicit set of states, 0 for none
---@field summary boolean
---@field follows boolean?    sockets are shown as they are closed
---@field filter_file string?  what -F names
---@field filter_text string?  what is in it
---@field words string[]      those that are no options

local take = {}

function take.h()
  return { status = 0, out = usage.TEXT }
end

function take.V()
  return { status = 0, out = usage.VERSION }
end
take.v = take.V

function take.Z()
  return { status = 1, err = "ss: SELinux is not enabled.\n" }
end
take.z = take.Z

function take.f(chosen, name)
  if name == "help" then
    return take.h()
  elseif not families.is_family(name) then
    return options.usage_error(('ss: "%s" is invalid family\n'):format(escape.bytes(name)))
  end
  chosen.choice:add_family(name)
end

function take.A(chosen, list)
  if chosen.states == 0 then
    chosen.states = states.DEFAULT
  end
  local wrong = chosen.choice:query(list)
  if wrong then
    return options.usage_error(('ss: "%s" is illegal socket table id\n'):format(escape.bytes(wrong)))
  end
end

function take.a(chosen)
  chosen.states = states.ALL
end

function take.l(chosen)
  chosen.states = states.LISTENING
end

function take.s(chosen)
  chosen.summary = true
end

function take.E(chosen)
  chosen.follows = true
end

function take.H(chosen)
  chosen.show.header = false
end

function take.F(chosen, name)
  if chosen.filter_file then
    return { status = 255, err = "More than one filter file\n" }
  end
  chosen.filter_file = name
end

-- It was entered before Lua ran.
function take.N()
end

for letter, sentence in pairs(REFUSED) do
  take[letter] = function()
    return { status = 255, err = ("sockq: ss: %s\n"):format(sentence) }
  end
end
for letter, name in pairs(TABLES) do
  take[letter] = function(chosen) chosen.choice:add_table(name) end
end
for letter, name in pairs(FAMILIES) do
  take[letter] = function(chosen) chosen.choice:add_family(name) end
end
for letter, names in pairs(SHOWS) do
  take[letter] = function(chosen)
    for _, name in ipairs(names) do
      chosen.show[name] = true
    end
  end
end

-- Words as the C library's message may show them; of short options it shows a byte.
local function shown(args)
  local words = {}
  for i, word in ipairs(args) do
    words[i] = word:find("^%-%-") and escape.dots(word) or word:gsub("[^ -~]", ".")
  end
  return words
end

--- Parse ss's arguments.
---@param args string[]
---@param opens? fun(chosen: sockq.ss.Chosen, letter: string, argument: string): sockq.ss.End|nil  called for -F and
---   -N, in their turn
---@return sockq.ss.Chosen, sockq.ss.End|nil  # what to list, or how the program ends
function options.parse(args, opens)
  local chosen = { show = { header = true }, choice = families.new(), states = 0, summary = false }
  local given, words = core.getopt("ss", args, SHORTS, LONGS, true)
  chosen.words = words
  for _, option in ipairs(given) do
    local name, argument = option[1], option[2]
    if name == "?" then
      core.getopt("ss", shown(args), SHORTS, LONGS, false)
      return chosen, options.usage_error("")
    end
    local letter = LETTERS[name] or name
    local ends = take[letter](chosen, argument)
    if not ends and opens and (letter == "F" or letter == "N") then
      ends = opens(chosen, letter, argument)
    end
    if ends then
      return chosen, ends
    end
  end
  return chosen, nil
end

return options
