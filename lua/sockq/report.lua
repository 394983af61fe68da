-- Reports: a question with its answer. A report file returns { help, doc, args, run }: help, the
-- question in one line; doc, more about it; args, a specification of args.lua; run(args, report), which
-- asks and tells by these methods of report:
--
--   report:query("tcp", where)  sockets of these tables, as far as the command line's -t -4 -l … want them
--   report:text(line)          a fact, in a line
--   report:rows({ … })         a table: rows (a query, or a list of tables), columns, name, title, empty
--   report:next(command, why)  what to do next: a command of sockq's
--   report:sleep(seconds)      before a second look
--   report:status(n)           the exit status; without it 0 if there were rows, 1 if none
--
-- People get texts, tables and commands in that order. Formats that machines read get the rows alone: one
-- document, in which the rows of several tables begin with a column `section`, the table's name.

local args = require("sockq.args")
local chain = require("sockq.chain")
local complaint = require("sockq.complaint")
local escape = require("sockq.escape")
local hint = require("sockq.hint")
local listing = require("sockq.listing")
local output = require("sockq.output")
local plugin = require("sockq.plugin")
local record = require("sockq.record")
local set = require("sockq.set")

local report = {}

local Report = {}

function Report.__index(_, name)
  local method = rawget(Report, name)
  if method == nil then
    local names = {}
    for known in pairs(Report) do
      names[#names + 1] = not known:find("^_") and known or nil
    end
    error(("a report has no %s; %s"):format(tostring(name), hint.remedy(name, names)), 2)
  end
  return method
end

local function check_self(self, name)
  if getmetatable(self) ~= Report then
    error(("report.%s: call it with a colon: report:%s(…)"):format(name, name), 3)
  end
end

local function check_text(value, what)
  if type(value) ~= "string" then
    error(("%s is a %s; a string is expected"):format(what, type(value)), 3)
  end
end

--- Sockets of some tables, as far as the command line's -t -u -w -x --from -4 -6 -l want them. Options
--- that leave none of the tables are an error.
---@param names string             a comma list as for sockq.from: "tcp,unix"
---@param conditions? string[]     expressions that all must hold, as of an argument with many = true
---@return sockq.Query
function Report:query(names, conditions)
  check_self(self, "query")
  local rows, wrong = chain.from(tostring(names))
  if not rows then
    error("query: " .. wrong, 2)
  end
  -- A table that the report asks for and the kernel lacks is an empty one.
  rows = chain.derive(rows, { named = false })
  local chosen = listing.chosen_tables(self._given)
  if chosen then
    local both = bit.band(chosen.tables, rows.tables)
    if both == 0 then
      complaint.raise(("%s: the report looks at %s; leave the options for other tables out"):format(self._name, names))
    end
    rows = chain.derive(rows, { tables = both, named = chosen.named })
  end
  rows = listing.restrict(rows, self._given)
  for _, condition in ipairs(conditions or {}) do
    rows = rows:where(condition)
  end
  return rows
end

-- Blocks of output are set apart by an empty line; lines of text belong together.
local function begin(self, kind)
  if self._last and not (kind == "text" and self._last == "text") then
    output.write("\n")
  end
  self._last = kind
end

--- Tell a fact in one line. Machine formats leave it out.
---@param line string  control bytes are escaped
function Report:text(line)
  check_self(self, "text")
  check_text(line, "text: the line")
  if self._talks then
    begin(self, "text")
    output.write(escape.text(line) .. "\n")
  end
end

-- Options that say where the sockets are from; commands that are named look there too.
local function source_options(given)
  local options = {}
  for _, name in ipairs({ "proc", "netns", "read", "at" }) do
    local value = given[name] and given[name][#given[name]]
    if value then
      -- No backslashes: escape.text() doubles them.
      local quoted = value:find("^[%w._/:@+-]+$") and value or "'" .. value:gsub("'", "'\"'\"'") .. "'"
      options[#options + 1] = ("--%s %s "):format(name, quoted)
    end
  end
  return table.concat(options)
end

-- A recording has no later look than its last snapshot.
local function is_of_no_use(command, given)
  local current = given.read and require("sockq.recording").current
  return current and (command:find(" --w", 1, true) or (command:find(" look=", 1, true)
    and current.index == #current.recording:snapshots())) and true or false
end

--- Name a command that shows more, and say what for. They are printed at the end, for people.
---@param command string  as typed into a shell; --proc and --read are added to sockq's own
---@param why string
function Report:next(command, why)
  check_self(self, "next")
  check_text(command, "next: the command")
  check_text(why, "next: the reason")
  if is_of_no_use(command, self._given) then
    return
  end
  command = command:gsub("^sockq ", function(program) return program .. source_options(self._given) end)
  table.insert(self._next, { command = escape.text(command), why = escape.text(why) })
end

--- Wait before a second look at the sockets. In a recording it is the first snapshot that is so much
--- later; without one that is an error.
---@param seconds number
---@return number  # seconds between the two looks
function Report:sleep(seconds)
  check_self(self, "sleep")
  if type(seconds) ~= "number" or not (seconds >= 0 and seconds < math.huge) then
    error(("sleep: %s is no time; give seconds from 0"):format(tostring(seconds)), 2)
  end
  local passed, wrong = require("sockq.recording").look_again(seconds)
  if not passed then
    complaint.raise(("%s: %s"):format(self._name, wrong))
  end
  return passed
end

--- The argument of an option of the command line, the last one if it was given more than once; true if it
--- takes none, nil if it was not given.
---@param name string
---@return string|boolean|nil
function Report:option(name)
  check_self(self, "option")
  local given = self._given[name]
  if type(given) == "table" then
    return given[#given]
  end
  return given
end

--- Decide the exit status.
---@param status integer
function Report:status(status)
  check_self(self, "status")
  if type(status) ~= "number" or status % 1 ~= 0 or status < 0 or status > 255 then
    error(("status: %s is no exit status; give a whole number from 0 to 255"):format(tostring(status)), 2)
  end
  self._status = status
end

local SECTION = { name = "string", title = "string", rows = "table", columns = "string or table", empty = "string" }

local function wrong_section(section)
  if type(section) ~= "table" then
    return ("a table is expected, not a %s"):format(type(section))
  end
  for key, value in pairs(section) do
    local expected = SECTION[key]
    if not expected then
      return ("%q means nothing here; %s"):format(tostring(key), hint.remedy(key, hint.keys(SECTION)))
    elseif not expected:find(type(value), 1, true) then
      return ("%s is a %s; a %s is expected"):format(key, type(value), expected)
    end
  end
  if not section.rows then
    return "rows is missing; give a query or a list of tables"
  elseif section.name and not section.name:find("^[%a_][%w_]*$") then
    return ("the name %q is no word; give it letters, digits and _"):format(section.name)
  end
  return nil
end

-- The names of plain columns: the fields of rows that are plain tables.
local function names_of(columns)
  local names = {}
  for i, column in ipairs(type(columns) == "table" and columns or {}) do
    local name = type(column) == "string" and column or type(column) == "table" and column.field
    if not name then
      return nil
    end
    names[i] = name
  end
  return names[1] and names or nil
end

local function to_query(section)
  if chain.is_query(section.rows) then
    return section.rows
  end
  return chain.of_list(section.rows, names_of(section.columns))
end

-- A format that cannot show some columns, as bars without a number, leaves them to the table: other
-- sections may be what it was chosen for.
local function open_sink(columns, title)
  local sink, wrong, refused = output.open(columns, { title = title })
  if refused then
    return output.open(columns, { title = title, format = "table" })
  elseif not sink then
    error(wrong, 0)
  end
  return sink
end

-- A table for people: its title stands above it once there is a row.
local function print_rows(self, section, query, columns)
  local sink, put
  local count = 0
  query:needs(columns.needs):each(function(row)
    if count == 0 then
      begin(self, "table")
      if section.title and self._talks then
        output.write(escape.text(section.title) .. "\n")
      end
      sink = open_sink(columns, section.name or self._name)
      put = sink.row
    end
    count = count + 1
    put(row)
  end)
  if sink then
    sink.finish()
  elseif section.empty and self._talks and not set.incomplete then
    begin(self, "text")
    output.write(escape.text(section.empty) .. "\n")
  end
  return count
end

--- Show rows.
---@param section { rows: sockq.Query|table[], columns: string|table[]?, name: string?, title: string?, empty: string? }
---   columns as for query:print(); name: the table's name in machine formats (default: the report's);
---   title: its heading for people; empty: what people are told where there is no row
---@return integer|nil  # how many rows; nil where a machine format reads them at the end
function Report:rows(section)
  check_self(self, "rows")
  local wrong = wrong_section(section)
  local query, columns
  if not wrong then
    query, wrong = to_query(section)
  end
  if query then
    columns, wrong = output.columns(query, section.columns, "rows", {})
  end
  if not columns then
    error(wrong:find("^rows: ") and wrong or "rows: " .. wrong, 2)
  end
  if self._given.quiet then
    self._count = self._count + (query:first() and 1 or 0)
    return nil
  elseif not self._for_people then
    table.insert(self._sections, { name = section.name or self._name, query = query, columns = columns })
    return nil
  end
  local count = print_rows(self, section, query, columns)
  self._count = self._count + count
  return count
end

-- Up to this width commands are filled, so that the reasons stand below each other.
local COMMAND_WIDTH = 56

local function print_next(self)
  local width = 0
  for _, step in ipairs(self._next) do
    width = math.max(width, escape.width(step.command))
  end
  width = math.min(width, COMMAND_WIDTH)
  for i, step in ipairs(self._next) do
    if i == 1 then
      begin(self, "next")
    end
    output.write(("%s %s%s  # %s\n"):format(i == 1 and "next:" or "     ", step.command,
      (" "):rep(width - escape.width(step.command)), step.why))
  end
end

-- The columns of all sections, each name once, behind `section`.
local function all_entries(sections)
  local entries, seen = { { name = "section", type = "string", doc = "which table of the report", role = "key" } }, {}
  for _, section in ipairs(sections) do
    for _, column in ipairs(section.columns) do
      if not seen[column.name] then
        seen[column.name] = true
        entries[#entries + 1] = { name = column.name, type = column.type or "string", unit = column.unit,
          doc = column.doc, role = column.role, values = column.values, identifies = column.identifies }
      end
    end
  end
  return entries
end

-- Several sections as the rows of one document.
local function merged(self)
  local schema, wrong = record.schema(all_entries(self._sections))
  if not schema then
    error(("%s: %s"):format(self._path, wrong), 0)
  end
  local rows = {}
  for _, section in ipairs(self._sections) do
    local columns = section.columns
    section.query:needs(columns.needs):each(function(row)
      local values = { section = section.name }
      for i = 1, #columns do
        values[columns[i].name] = columns[i].get(row)
      end
      rows[#rows + 1] = record.new(schema, values)
    end)
  end
  return chain.of_rows(rows, schema)
end

local function print_sections(self)
  local sections = self._sections
  if #sections == 0 then
    return
  end
  local query, columns = sections[1].query, sections[1].columns
  if #sections > 1 then
    query = merged(self)
    columns = assert(output.columns(query, nil, self._name, {}))
  end
  local sink = open_sink(columns, #sections == 1 and sections[1].name or self._name)
  query:needs(columns.needs):each(function(row)
    self._count = self._count + 1
    sink.row(row)
  end)
  sink.finish()
end

local function load_report(name)
  local loaded, path = plugin.load("reports", name)
  if not loaded then
    error(path, 0)
  end
  return loaded, path
end

--- Run a report.
---@param name string
---@param words string[]           what stands behind its name
---@param given table<string, any> the command line's options
---@return integer status
function report.run(name, words, given)
  local loaded, path = load_report(name)
  local values, wrong, problem = args.parse(loaded.args or {}, words, name)
  if not values then
    complaint.raise(wrong, problem)
  end
  local for_people = output.is_for_people()
  local self = setmetatable({ _name = name, _path = path, _given = given, _next = {}, _sections = {}, _count = 0,
    _last = false, _status = false, _for_people = for_people,
    _talks = for_people and output.defaults.header and not given.quiet }, Report)
  loaded.run(values, self)
  if self._talks then
    print_next(self)
  elseif not for_people then
    print_sections(self)
  end
  return self._status or (self._count > 0 and 0 or 1)
end

--- What `sockq help NAME` prints of a report.
---@param name string
---@return string
function report.help(name)
  local loaded = load_report(name)
  local spec = loaded.args or {}
  local usage, help = args.usage(spec), args.help(spec)
  return ("sockq %s%s\n%s\n%s%s"):format(name, usage ~= "" and " " .. usage or "", loaded.help,
    loaded.doc and "\n" .. loaded.doc:gsub("%s*$", "\n") or "", help ~= "" and "\n" .. help or "")
end

return report
