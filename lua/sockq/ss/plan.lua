-- What an ss command line asks to be listed.

local states = require("sockq.ss.states")

local plan = {}

--- What is printed of a row.
---@class sockq.ss.Show
---@field header boolean
---@field netid boolean         the Netid column
---@field state boolean         the State column
---@field numeric boolean|nil   -n
---@field resolve boolean|nil   -r
---@field options boolean|nil   -o
---@field extended boolean|nil  -e
---@field memory boolean|nil    -m
---@field processes boolean|nil -p
---@field threads boolean|nil   -T
---@field info boolean|nil      -i
---@field bpf boolean|nil       -b
---@field tos boolean|nil
---@field cgroup boolean|nil
---@field tipcinfo boolean|nil
---@field inet_sockopt boolean|nil
---@field oneline boolean|nil   -O

--- What ss lists: sockq.ss.listing.run(plan) returns the exit status.
---@class sockq.ss.Plan
---@field show sockq.ss.Show
---@field order string[]  the tables to list, in the order of the output, by ss's names: netlink packet_raw
---   packet_dgram unix_stream unix_dgram unix_seqpacket raw udp tcp dccp sctp vsock_stream vsock_dgram tipc xdp mptcp
---@field has table<string, boolean>       the same as a set
---@field families table<string, boolean>  of inet inet6 link unix netlink vsock tipc xdp
---@field last_family string|nil  the family that was named last, by an option or in the filter: it alone is dumped
---   over netlink of inet and inet6
---@field states integer  a bit for each of the kernel's state numbers, bit 0: unknown
---@field filter sockq.ss.Filter|nil

--- The plan of a command line.
---@param chosen sockq.ss.Chosen
---@param mask integer  the explicit set of states, 0 for none
---@return sockq.ss.Plan
function plan.new(chosen, mask)
  local choice = chosen.choice
  if not choice.named then
    choice:take_all()
    mask = mask ~= 0 and mask or states.DEFAULT
  end
  choice:complete()
  mask = mask ~= 0 and mask or choice.states
  local order, has = choice:order(), {}
  for _, name in ipairs(order) do
    has[name] = true
  end
  chosen.show.netid = #order ~= 1
  chosen.show.state = not states.is_single(mask)
  return { show = chosen.show, order = order, has = has, families = choice.families, last_family = choice.last_family,
    states = mask }
end

--- Take over what a filter said of families.
---@param made sockq.ss.Plan
---@param choice sockq.ss.Choice
function plan.narrow(made, choice)
  made.families, made.last_family = choice.families, choice.last_family
end

--- Why there is nothing to list.
---@param made sockq.ss.Plan
---@return string|nil
function plan.is_empty(made)
  if #made.order == 0 then
    return "ss: no socket tables to show with such filter.\n"
  elseif next(made.families) == nil then
    return "ss: no families to show with such filter.\n"
  elseif made.states == 0 then
    return "ss: no socket states to show with such filter.\n"
  end
  return nil
end

return plan
