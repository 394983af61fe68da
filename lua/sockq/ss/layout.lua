-- The columns of ss (iproute2 6.1): tokens are kept until the widths are known, then every one is
-- printed in its column.
--
-- ss keeps tokens in blocks of 1,048,560 bytes and prints what it has when a row begins while five of
-- them are in use. The widths are those of all tokens since the start, so a later instalment can be
-- wider than an earlier one; the blocks are counted here as ss fills them.

local ffi = require("ffi")

ffi.cdef([[
void *malloc(size_t size);
void free(void *memory);
struct sockq_ss_sheet {
  int32_t at, token, rows, used, blocks, process, widest[10], width[10];
};
]])

local layout = {}

local copy, fill = ffi.copy, ffi.fill
local max, min = math.max, math.min
local band = bit.band

local BLOCK, BLOCKS = 1048560, 5
-- A token is cut at this many bytes; of a row two may be as long.
local LONGEST = 65535
layout.LONGEST = LONGEST
-- Bytes that may be written behind a token before it is cut (text.lua writes by eights).
local SLACK = 1048576
local OUT = 65536

--- The columns: title, alignment, and whether a blank stands before it.
layout.columns = {
  { name = "netid", title = "Netid" },
  { name = "state", title = "State", delimiter = true },
  { name = "recv_q", title = "Recv-Q", delimiter = true },
  { name = "send_q", title = "Send-Q", delimiter = true },
  { name = "local_address", title = "Local Address:", delimiter = true, right = true },
  { name = "local_port", title = "Port" },
  { name = "peer_address", title = "Peer Address:", delimiter = true, right = true },
  { name = "peer_port", title = "Port" },
  { name = "process", title = "Process" },
}
local PROCESS = #layout.columns

local memory = ffi.typeof("uint8_t *")
local sizes_type = ffi.typeof("uint16_t *")

-- Memory of the system, which fills no page that is not used: the block, to be held, and a pointer to it.
local function allocate(pointer, bytes)
  local block = ffi.C.malloc(bytes)
  if block == nil then
    error("out of memory", 0)
  end
  return ffi.gc(block, ffi.C.free), ffi.cast(pointer, block)
end

-- Straight code for the columns that are shown, so that LuaJIT compiles it as a whole.

local STORE = [[
local bytes, sizes, sheet, overflow, instalment, LONGEST, BLOCK, BLOCKS, band, %s = ...
return function(row, set)
  if sheet.blocks >= BLOCKS then
    instalment()
  elseif sheet.process > sheet.widest[%d] then
    sheet.widest[%d] = sheet.process
  end
  local at, token = sheet.at, sheet.token
  local start, size, used = at, 0, sheet.used + 2
%s
  sheet.process = size
  sheet.at, sheet.token, sheet.rows = at, token, sheet.rows + 1
  if used < BLOCK then
    sheet.used = used
  else
    overflow()
  end
end
]]

local STORE_TOKEN = [[
  at = write%d(bytes, at, row, set)
  size = at - start
  if size > LONGEST then
    size = LONGEST
    at = start + LONGEST
  end
  sizes[token] = size
  token = token + 1
  start = at
  used = used + 2 + size + band(size, 1)
]]

local MEASURE = [[
  if size > sheet.widest[%d] then
    sheet.widest[%d] = size
  end
]]

local PRINT = [[
local bytes, sizes, sheet, out, copy, fill, max, flush, OUT = ...
return function(rows, filled)
  local from, token, to = 0, 0, 0
  local %s
  %s
  for _ = 1, rows do
    fill(out + to, filled, 32)
    local size, shift
%s
    out[to] = 10
    to = to + 1
    if to >= OUT then
      flush(to)
      to = 0
    end
  end
  flush(to)
end
]]

local PRINT_LEFT = [[
    size = sizes[token]
    token = token + 1
    copy(out + (to + %d), bytes + from, size)
    from = from + size
    to = to + max(size + %d, width%d)
]]

local PRINT_RIGHT = [[
    size = sizes[token]
    token = token + 1
    shift = max(size + %d, width%d)
    copy(out + (to + shift - size), bytes + from, size)
    from = from + size
    to = to + shift
]]

local function compile(source, ...)
  return assert(load(source, "=layout", "t"))(...)
end

-- The widths on a terminal of so many columns. Columns that fit a line share what is left of it, the
-- remainder from the right; the line break is the terminal's own.
local function spread(shown, width, terminal)
  local group, sum = {}, 0
  local function share()
    local rest = terminal - sum
    for i = #group, 1, -1 do
      local more = math.floor(rest / i)
      -- From the right: what the division leaves goes to the first ones that are looked at.
      if rest % i > 0 then
        more = more + 1
      end
      width[group[i]] = width[group[i]] + more
      rest = rest - more
    end
    group, sum = {}, 0
  end
  local visible = {}
  for _, i in ipairs(shown) do
    if width[i] > 0 then
      visible[#visible + 1] = i
    end
  end
  local n = 1
  while n <= #visible do
    local i = visible[n]
    if sum + width[i] > terminal then
      share()
    else
      group[#group + 1] = i
      sum = sum + width[i]
      n = n + 1
      if sum == terminal then
        group, sum = {}, 0
      elseif n > #visible then
        share()
      end
    end
  end
end

--- Open a sheet.
---@param options { netid: boolean, state: boolean, header: boolean, terminal: integer?, write: fun(text: string) }
---   netid, state: whether these columns are shown; terminal: its columns, nil where it is none
---@return table sheet  # store(writers) → function(row, set) that appends a row; finish(terminal)
function layout.open(options)
  local bytes_memory, bytes = allocate(memory, (BLOCKS + 1) * BLOCK + SLACK)
  local sizes_memory, sizes = allocate(sizes_type, (BLOCKS + 1) * BLOCK + SLACK)
  local sheet = ffi.new("struct sockq_ss_sheet")
  sheet.blocks = 1

  local shown = {}
  for i, column in ipairs(layout.columns) do
    if options[column.name] ~= false then
      shown[#shown + 1] = i
    end
  end
  local out_memory, out, out_size = nil, nil, 0
  local printer

  local function flush(size)
    if size > 0 then
      options.write(ffi.string(out, size))
    end
  end

  -- The bytes before a token: one blank in all columns but the first that has a width.
  local function delimiters()
    local list, first = {}, true
    for _, i in ipairs(shown) do
      list[i] = (layout.columns[i].delimiter and not first) and 1 or 0
      if sheet.widest[i - 1] > 0 then
        first = false
      end
    end
    return list
  end

  local function make_printer(blanks)
    local locals, loads, code = {}, {}, {}
    for n, i in ipairs(shown) do
      locals[n] = "width" .. i
      loads[n] = ("width%d = sheet.width[%d]"):format(i, i - 1)
      code[n] = layout.columns[i].right and PRINT_RIGHT:format(blanks[i], i)
        or PRINT_LEFT:format(blanks[i], blanks[i], i)
    end
    return compile(PRINT:format(table.concat(locals, ", "), table.concat(loads, "\n  "), table.concat(code)), bytes,
      sizes, sheet, out, copy, fill, max, flush, OUT)
  end

  local function render()
    if sheet.rows == 0 then
      return
    end
    local blanks = delimiters()
    local width = {}
    for _, i in ipairs(shown) do
      local widest = sheet.widest[i - 1]
      width[i] = widest > 0 and widest + blanks[i] or 0
      if options.terminal then
        width[i] = min(width[i], options.terminal)
      end
    end
    if options.terminal then
      spread(shown, width, options.terminal)
    end
    local filled = 0
    for _, i in ipairs(shown) do
      sheet.width[i - 1] = width[i]
      local widest = max(sheet.widest[i - 1], i == PROCESS and sheet.process or 0)
      filled = filled + max(width[i], widest + blanks[i])
    end
    local need = OUT + filled + 64
    if need > out_size then
      out_memory, out = allocate(memory, need)
      out_size, printer = need, nil
    end
    printer = printer or make_printer(blanks)
    printer(sheet.rows, filled)
    sheet.at, sheet.token, sheet.rows, sheet.used, sheet.blocks, sheet.process = 0, 0, 0, 0, 1, 0
  end

  -- The last row does not fit into the block: find out which of its tokens went to another one.
  local function overflow()
    local used, blocks = sheet.used, sheet.blocks
    local first = sheet.token - #shown
    for n = 0, #shown do
      local size = n < #shown and sizes[first + n] or 0
      if used + 2 > BLOCK or (size > 0 and used + 2 + size >= BLOCK) then
        used, blocks = 0, blocks + 1
      end
      used = used + 2 + size + band(size, 1)
    end
    sheet.used, sheet.blocks = used, blocks
  end

  -- What is printed early counts its last row as well.
  local function instalment()
    sheet.widest[PROCESS - 1] = max(sheet.widest[PROCESS - 1], sheet.process)
    render()
  end

  local self = {}

  --- A function that appends a row.
  ---@param writers table<string, fun(bytes: ffi.cdata*, at: number, row: ffi.cdata*, set: ffi.cdata*): number>
  ---   by the names of layout.columns
  function self.store(writers)
    local names, code, list = {}, {}, {}
    for n, i in ipairs(shown) do
      names[n] = "write" .. i
      code[#code + 1] = STORE_TOKEN:format(i)
      if i ~= PROCESS then
        code[#code + 1] = MEASURE:format(i - 1, i - 1)
      end
      list[n] = assert(writers[layout.columns[i].name], layout.columns[i].name)
    end
    return compile(STORE:format(table.concat(names, ", "), PROCESS - 1, PROCESS - 1, table.concat(code)), bytes,
      sizes, sheet, overflow, instalment, LONGEST, BLOCK, BLOCKS, band, unpack(list))
  end

  --- Print what is there. More rows may come, in columns as wide at least.
  ---@param terminal? integer  the terminal's columns now, if they may have changed
  function self.finish(terminal)
    options.terminal = terminal or options.terminal
    render()
  end

  if options.header then
    local titles = {}
    for _, i in ipairs(shown) do
      local column = layout.columns[i]
      titles[column.name] = function(to, at)
        copy(to + at, column.title)
        return at + #column.title
      end
    end
    self.store(titles)(nil, nil)
    sheet.widest[PROCESS - 1] = sheet.process
  end
  --- What the memory hangs on.
  function self.memory()
    return bytes_memory, sizes_memory, out_memory
  end
  return self
end

return layout
