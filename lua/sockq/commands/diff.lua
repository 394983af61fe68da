-- sockq diff A [B]: which sockets opened, closed and changed between two recordings, or since one.

local chain = require("sockq.chain")
local complaint = require("sockq.complaint")
local core = require("sockq.core")
local fields = require("sockq.fields")
local identity = require("sockq.identity")
local listing = require("sockq.listing")
local output = require("sockq.output")
local query = require("sockq.query")
local record = require("sockq.record")
local recording = require("sockq.recording")
local schema = require("sockq.schema")
local set = require("sockq.set")
local tables = require("sockq.tables")

local C = schema.C
local INCOMPLETE = 3

local FORM = "sockq diff A [B] is the form; A and B are recordings, FILE or FILE@TIME"

-- What is told of a row, and what of it makes a change: not the clocks that run by themselves.
local SHOWN = { "proto", "local_addr", "local_port", "remote_addr", "remote_port", "path", "state", "recv_q", "send_q",
  "timer", "retrans", "probes", "uid", "pid", "program", "inode" }
local COMPARED = { "state", "recv_q", "send_q", "timer", "retrans", "probes", "uid", "pid", "program", "local_addr",
  "local_port", "remote_addr", "remote_port", "path" }
local ENTRIES = { { name = "change", type = "string", values = { "opened", "closed", "changed" },
  doc = "what became of the socket" } }
for i, name in ipairs(SHOWN) do
  local field = fields.by_name[name]
  ENTRIES[i + 1] = { name = name, type = field.type, unit = field.unit, doc = field.doc, values = field.values,
    identifies = field.identifies }
end
ENTRIES[#ENTRIES + 1] = { name = "changes", type = "list", doc = "of a changed socket: { { field, was, is }, … }" }
local ROW = assert(record.schema(ENTRIES))

local COLUMNS = { "change", "proto", output.LOCAL, output.REMOTE, "state", output.OWNER, "changes" }

local function numbers_by_file()
  local numbers = {}
  for number, entry in pairs(tables.list) do
    numbers[entry.file or entry.proto] = number
  end
  return numbers
end
local NUMBER = numbers_by_file()

--- Sockets at one time: rows, the tables that were read, and the conditions that rows were recorded
--- under.
local function look(mask)
  local collected = set.collect(mask, 0, tonumber(C.SOCKQ_WITH_OWNERS))
  local rows, read = {}, {}
  for row in set.iterate(collected) do
    rows[#rows + 1] = row
  end
  local header = set.handle(collected).set
  for number = 0, C.SOCKQ_TABLES - 1 do
    local status = header.tables[number].status
    read[number] = status ~= C.SOCKQ_TABLE_MISSING and status ~= C.SOCKQ_TABLE_UNREAD
  end
  return { rows = rows, read = read, filters = recording.filters(set.handle(collected)),
    host = rows[1] and rows[1].host }
end

local function replay(word)
  local snapshot, wrong, damaged = recording.replay(word)
  if not snapshot then
    complaint.raise("diff " .. wrong, nil, damaged and INCOMPLETE or nil)
  end
end

-- A function of a row, from conditions; place: whose they are.
local function test_of(conditions, place)
  local all = query.new(tables.groups.all)
  for _, text in ipairs(conditions) do
    local narrowed, wrong = all:try_where(text)
    if not narrowed then
      complaint.raise(("diff: %s: %s; record it anew"):format(place, wrong), nil, INCOMPLETE)
    end
    all = narrowed
  end
  return all.test or function() return true end
end

-- Rows of tables that both looks have: of others nothing can be said.
local function common(rows, other)
  local list = {}
  for _, row in ipairs(rows) do
    if other.read[NUMBER[row.table]] then
      list[#list + 1] = row
    end
  end
  return list
end

-- What is unknown on one side is no change: a socket in TIME_WAIT has no user and no retransmissions.
local function changes(was, is)
  local list
  for _, name in ipairs(COMPARED) do
    local before, now = was[name], is[name]
    if before ~= now and before ~= nil and now ~= nil then
      list = list or {}
      list[#list + 1] = { field = name, was = before, is = now }
    end
  end
  return list
end

local function record_of(change, row, list)
  local values = { change = change, changes = list }
  for _, name in ipairs(SHOWN) do
    values[name] = row[name]
  end
  return record.new(ROW, values)
end

--- Rows of what differs between two looks: opened, closed, changed.
---@param wanted fun(row): boolean  of a row as it is, or was
local function compare(a, b, wanted)
  local was, is = identity.entries(common(a.rows, b)), identity.entries(common(b.rows, a))
  identity.pair(was, is)
  local in_a, in_b = test_of(a.filters, "A"), test_of(b.filters, "B")
  local opened, closed, changed = {}, {}, {}
  for _, entry in ipairs(is) do
    local row = entry.row
    if entry.was then
      local list = (wanted(row) or wanted(entry.was.row)) and changes(entry.was.row, row)
      changed[#changed + 1] = list and record_of("changed", row, list) or nil
    elseif in_a(row) and wanted(row) then
      -- One that does not meet the conditions of A may have been there as well.
      opened[#opened + 1] = record_of("opened", row)
    end
  end
  for _, entry in ipairs(was) do
    if entry.gone and in_b(entry.row) and wanted(entry.row) then
      closed[#closed + 1] = record_of("closed", entry.row)
    end
  end
  for _, list in ipairs({ closed, changed }) do
    for _, row in ipairs(list) do
      opened[#opened + 1] = row
    end
  end
  return opened
end

return {
  usage = "diff A [B]",
  doc = "sockets opened, closed and changed between two recordings, or since one",
  options = { "tcp", "udp", "raw", "unix", "ipv4", "ipv6", "listening", "from", "distinct", "group", "agg", "sort",
    "limit", "columns", "format", "json", "ndjson", "csv", "tsv", "no-header", "color" },
  run = function(words, given)
    if #words == 0 then
      complaint.raise("diff: a recording is missing; " .. FORM)
    elseif #words > 2 then
      complaint.raise(("diff: %s: two recordings are enough; %s"):format(words[3], FORM))
    elseif given.read then
      complaint.raise("--read: diff names its recordings itself; leave it out")
    elseif words[2] and core.command_line().proc then
      complaint.raise("--proc: B is a recording already; leave one out")
    elseif words[2] and core.netns() then
      complaint.raise("--netns: two recordings are compared, nothing is read; leave it out")
    end
    local chosen = listing.chosen_tables(given) or query.new(tables.groups.all)
    local wanted = listing.restrict(chosen, given).test or function() return true end
    replay(words[1])
    local a = look(chosen.tables)
    if words[2] then
      replay(words[2])
    else
      set.read(nil)
    end
    local b = look(chosen.tables)
    if a.host and b.host and a.host ~= b.host then
      set.tell(("diff: %s is of the machine %s, the other of %s; sockets are compared by address and inode all the same")
        :format(words[1], a.host, b.host))
    end
    local found = compare(a, b, wanted)
    if not given.quiet then
      local rows = listing.shape(chain.of_rows(found, ROW), given)
      local columns = listing.columns(given) or output.layout() ~= "fields" and rows:schema() == ROW and COLUMNS or nil
      local count, wrong, problem = output.list(rows, columns, "-c", { title = "changes" })
      if not count then
        complaint.raise(wrong, problem)
      end
    end
    return #found > 0 and 0 or 1
  end,
}
