-- Help: the page of --help, the topics, and whatever has a name. What is printed is made from the
-- registries; nothing of this is loaded for a query.

local hint = require("sockq.hint")
local page = require("sockq.help.page")
local words = require("sockq.help.words")

local help = {}

page.utf8 = select(3, require("sockq.output").surroundings())

local SCREEN = [[
sockq [OPTIONS] [EXPR...]     sockets that match every EXPR; else TCP, UDP, raw
sockq NAME | FILE.lua [ARGS]  report, view, command or script; -e LUA; -i asks
EXPR     10.0.0.0/8  LISTEN  'CLOSE_WAIT and recv_q > 0'  'timer == "off"'
fields   proto state local_addr local_port remote_addr remote_port recv_q
         send_q timer expires retrans probes user pid program drops path ...
@helpers@which    -t tcp  -u udp  -w raw  -x unix  -4  -6  -l listening  --from TABLE
query    -g KEY  -A 'count, max(expires)'  -s [-]KEY  -L N  -c COL,NAME=EXPR
output   -f FORMAT  --json  --csv  --timer explain  -q (0: found, 1: none)
live     --watch[=S]  --wait[=S]  --times N;  sockq record FILE, --read FILE

  sockq :3000                       is the port in use, and by whom
  sockq CLOSE_WAIT -g program       leaks; -g program,remote_addr: and to whom
  sockq -t -g state --csv           how many are in each state, as CSV
  sockq ESTAB -s -recv_q -L 5       the fullest queues; -c '*': every field
  sockq --watch=1 SYN_SENT          again every second, until q
  sockq --wait -q LISTEN :80        until a server is up
]]

-- Names with a heading, folded below each other.
local function named(heading, names)
  if #names == 0 then
    return ""
  end
  local lines = page.fold(table.concat(names, " "), page.WIDTH - 9)
  return ("%-8s %s\n"):format(heading, table.concat(lines, "\n" .. (" "):rep(9)))
end

--- The page of --help: 80 columns, 24 lines.
---@return string
function help.screen()
  local helpers = named("helpers", words.names("helpers"))
  return SCREEN:gsub("@helpers@", helpers)
    .. named("reports", words.embedded("reports")) .. named("views", words.embedded("views"))
    .. named("formats", words.embedded("formats"))
    .. named("more", { "sockq help TOPIC or NAME:", unpack(words.names("topics")) })
end

--- The page of `sockq help`.
---@return string
function help.overview()
  return page.text({
    { text = "`sockq --help` answers most questions. `sockq help TOPIC` tells more:" },
    { list = require("sockq.help.topics").list() },
    { text = "`sockq help NAME` explains whatever has a name: a report, view, command, format, timer, field, state, "
      .. "option (its long name or its letter), function, aggregate, or a verb of queries." },
    { commands = { { "sockq help expires" }, { "sockq help p99" }, { "sockq help group" }, { "sockq help -- -L" } } },
  })
end

local function texts_of(found)
  local parts = {}
  for i, blocks in ipairs(found) do
    parts[i] = page.text(blocks)
  end
  return parts
end

--- Help about a report, view or command.
---@param name string
---@return string
function help.of_command(name)
  return texts_of(require("sockq.help.names").commands(name))[1]
end

--- Help about a topic or a name.
---@param name string
---@return string|nil text, string|nil message
function help.about(name)
  local topics, names = require("sockq.help.topics"), require("sockq.help.names")
  local blocks = topics.blocks(name)
  local parts = texts_of(blocks and names.commands(name) or names.find(name))
  blocks = blocks or (#parts == 0 and topics.blocks(name .. "s"))
  if blocks then
    table.insert(parts, 1, page.text(blocks))
  end
  if #parts == 0 then
    return nil, ("there is no help about %s; %s"):format(name, hint.remedy(name, names.all(),
      "sockq help lists the topics"))
  end
  return table.concat(parts, "\n")
end

return help
