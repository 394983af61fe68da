-- Makes doc/fields.md: scripts/docs runs this.
local fields = require "sockq.fields"
local catalog = require "sockq.catalog"
local words = catalog.of(fields)
local state = require "sockq.state"
local tables = require "sockq.tables"

local function line(...) io.write(table.concat({ ... }), "\n") end

local function code(list)
  local quoted = {}
  for i, word in ipairs(list) do quoted[i] = "`" .. word .. "`" end
  return table.concat(quoted, " ")
end

local function keys(map)
  local list = {}
  for key in pairs(map) do list[#list + 1] = key end
  table.sort(list)
  return list
end

local function cell(text) return (text:gsub("|", "\\|")) end

line "# Fields"
line ""
line "Made by `scripts/docs` from lua/sockq/fields.lua; `sockq fields` prints the same on a terminal. A field that a"
line "row's table cannot tell is `nil`, never 0. What is marked with *owners* and its like is read from /proc/PID, and only"
line "when a query names it."
line ""
line "Rows are from the text of /proc or from the kernel's sock_diag netlink; the column *source* tells which of them knows a"
line "field: *proc*, *sock_diag*, or *both*; tables in parentheses are those of which sock_diag alone does. What is marked with"
line "*info*, *cc*, *memory*, *tos*, *details*, *cgroup_paths* or *filters* sock_diag is asked for only when a query names"
line "it. A field of `tcp_info` that the running kernel does not have is `nil` too."
line ""
local of_owner = {}
for _, field in ipairs(fields.list) do
  if field.of_owner then of_owner[#of_owner + 1] = field.name end
end
line("Of a socket that several processes have ", code(of_owner), " tell of the first,")
line "as netstat shows; `owners` has all. As keys of a group they count a socket once for each different value among its"
line "owners, so that groups may add up to more than there are sockets."
line ""
line "| field | type | unit | meaning | filled by | source |"
line "|---|---|---|---|---|---|"
for _, field in ipairs(fields.list) do
  local names = { field.name, unpack(field.alias or {}) }
  line("| ", code(names), " | ", field.type, " | ", field.unit or "", " | ", cell(field.doc), " | ",
    table.concat(field.sources, " "), field.needs and "; *" .. field.needs .. "*" or "", " | ",
    fields.known_by(field), field.diag and " (" .. table.concat(field.diag, " ") .. ")" or "", " |")
end

local raw = {}
for _, field in ipairs(fields.list) do
  if field.raw then raw[#raw + 1] = field.name end
end
line ""
line("`row:raw(NAME)` gives the number in the kernel's text where the field is `nil`, for ", code(raw), ".")

line ""
line "## States"
line ""
line("Of `state`, and alone in an expression: ", code(state.names), ". Also `UNKNOWN(N)` for a number without a name.")
line ""
local others = {}
for i, alias in ipairs(keys(state.aliases)) do others[i] = "`" .. alias .. "` = `" .. state.aliases[alias] .. "`" end
line("Other spellings, in any case, where `state` is compared with text: ", table.concat(others, ", "), ".")

line ""
line "## Words of expressions"
line ""
local protocols = {}
for _, word in ipairs(keys(words.predicates)) do
  if not state.canonical(word) then protocols[#protocols + 1] = word end
end
line("- protocols, alone: ", code(protocols))
line("- functions: ", code(keys(words.helpers)))
local constants = {}
for i, name in ipairs(keys(words.constants)) do
  constants[i] = ("`%s` = %.0f"):format(name, words.constants[name])
end
line("- constants: ", table.concat(constants, ", "))

line ""
line "## Tables"
line ""
line "| `sockq.NAME()`, `--from NAME` | files below /proc/net |"
line "|---|---|"
local order = { "tcp", "udp", "udplite", "raw", "icmp", "sctp", "unix", "netlink", "packet", "inet", "all" }
for _, name in ipairs(order) do
  local files = {}
  for i, number in ipairs(tables.groups[name]) do files[i] = tables.list[number].file end
  line("| `", name, "` | ", table.concat(files, ", "), " |")
end
line ""
line "`--from` and `sockq.from()` also take one file by its name: `tcp6`, `sctp/eps`."
