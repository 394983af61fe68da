-- ss -E: sockets as they are closed, each printed at once.

local core = require("sockq.core")
local events = require("sockq.events")
local inet = require("sockq.ss.inet")
local layout = require("sockq.ss.layout")
local listing = require("sockq.ss.listing")
local names = require("sockq.ss.names")
local output = require("sockq.output")
local range = require("sockq.ss.range")
local schema = require("sockq.schema")
local tables = require("sockq.tables")

local C = schema.C
local cast = require("ffi").cast

local follow = {}

-- What the kernel tells of.
local TOLD = {
  { name = "tcp", inet = tonumber(C.SOCKQ_TCP), inet6 = tonumber(C.SOCKQ_TCP6) },
  { name = "udp", inet = tonumber(C.SOCKQ_UDP), inet6 = tonumber(C.SOCKQ_UDP6) },
}

-- The numbers of the tables that a plan follows, and the protocol of each.
local function followed(plan)
  local numbers, protocols = {}, {}
  for _, one in ipairs(TOLD) do
    for _, family in ipairs({ "inet", "inet6" }) do
      if plan.has[one.name] and plan.families[family] then
        numbers[#numbers + 1] = one[family]
        protocols[one[family]] = one.name
      end
    end
  end
  return numbers, protocols
end

--- Follow what a plan asks for, until Ctrl-C. The plan's states do not count; its filter does, and ss alone
--- applies it: the kernel, which has another way to compare addresses, is not asked.
---@param plan sockq.ss.Plan
---@return integer status
---@return string|nil wrong  why nothing can be followed
function follow.run(plan)
  local numbers, protocols = followed(plan)
  if not numbers[1] then
    return 255
  end
  local wrong = events.wrong()
  if wrong then
    return 255, ("sockq: ss: -E: %s\n"):format(wrong)
  end
  local show, matches = plan.show, plan.filter and plan.filter.matches
  show.write = output.put
  local sheet = layout.open({
    netid = show.netid,
    state = show.state,
    header = show.header,
    terminal = core.terminal_width(1),
    write = show.write,
  })
  -- No table was shown before, so ports have the name that any protocol gives them.
  local ports = not show.numeric and names.ports("any", range.read()) or nil
  local stores = {}
  for number, name in pairs(protocols) do
    stores[number] = sheet.store(inet.cells(name, show, ports))
  end
  local stream = events.open({ tables = tables.mask(numbers), flags = listing.flags(show, plan.has, plan.filter) })
  events.each(stream, function(cursor)
    local lent = cast(schema.row_handle, cursor)
    local row, handle = lent.row, lent.set
    if not matches or matches(row, handle, true) then
      stores[row.table](row, handle)
    end
    -- Behind a row that the filter refuses too: if it is the first, the header stands alone, in columns of its own.
    sheet.finish(core.terminal_width(1))
    io.stdout:flush()
  end, function() end)
  return 0
end

return follow
