-- Dying: sockets that are being closed, and when they are gone.

local sockq = require("sockq")
local giveup = require("sockq.giveup")

local sformat = string.format

local STATES = { "FIN_WAIT1", "FIN_WAIT2", "CLOSING", "LAST_ACK", "TIME_WAIT" }
local WAITS_FOR = {
  FIN_WAIT1 = "the peer to acknowledge that we closed",
  FIN_WAIT2 = "the peer to close as well",
  CLOSING = "the peer to acknowledge; both have closed",
  LAST_ACK = "the peer to acknowledge that we closed after it",
  TIME_WAIT = "late segments to be over",
}

-- When a socket is gone at the latest: its countdown, or when the kernel gives the peer up.
local function gone_by(row, settings)
  if row.timer == "timewait" then
    return row.expires
  end
  local _, _, _, latest = giveup.of(row, settings)
  -- FIN_WAIT2 without a process: the keepalive timer holds what is left of tcp_fin_timeout
  -- (net/ipv4/tcp.c, __tcp_close).
  if row.state == "FIN_WAIT2" and not row.inode and row.timer == "keepalive" then
    return row.expires
  end
  return latest
end

-- A process has it no longer: the kernel prints inode 0.
local function is_orphan(row)
  return row.state ~= "TIME_WAIT" and row.timer ~= "timewait" and not row.inode
end

local function new_lines()
  local lines, by_state = {}, {}
  for i, name in ipairs(STATES) do
    lines[i] = { state = name, sockets = 0, orphans = 0, unsent = 0, waits_for = WAITS_FOR[name] }
    by_state[name] = lines[i]
  end
  return lines, by_state
end

local function orphan_text(count)
  local most = sockq.facts().sysctl["net.ipv4.tcp_max_orphans"]
  return sformat("of these no process has any more: %d%s", count,
    type(most) == "number" and sformat("; beyond %d (tcp_max_orphans) the kernel resets them", most) or "")
end

return {
  help = "which sockets are being closed, what do they wait for, and when are they gone?",
  doc = [[
orphans: no process has the socket any more; the kernel finishes it alone, and
gives up after tcp_orphan_retries. unsent: bytes that the peer has not
acknowledged, our FIN counting as one. gone: seconds until the last socket of the
state is gone if its peer never answers; nothing where it has no end, as in
FIN_WAIT2 with a process that still has it.]],
  args = {
    { name = "where", type = "expression", many = true, doc = "only sockets that match" },
    { name = "top", type = "count", named = true, default = 10, doc = "how many sockets to show, the last to go first" },
  },
  run = function(args, report)
    local rows = report:query("tcp", args.where):where("FIN_WAIT1 or FIN_WAIT2 or CLOSING or LAST_ACK or TIME_WAIT")
    local settings = giveup.settings(sockq.facts())
    local dying = rows:keep()
    local lines, by_state = new_lines()
    local count, orphans = 0, 0
    dying:each(function(row)
      local line, orphan, gone = by_state[row.state], is_orphan(row) and 1 or 0, gone_by(row, settings)
      count, orphans = count + 1, orphans + orphan
      line.sockets, line.orphans = line.sockets + 1, line.orphans + orphan
      line.unsent = line.unsent + (row.send_q or 0)
      line.gone = gone and math.max(gone, line.gone or 0) or line.gone
    end)
    if count == 0 then
      report:rows({ rows = dying, empty = "no socket is being closed" })
      return
    end
    report:text(sformat("sockets that are being closed: %d", count))
    report:text(orphan_text(orphans))
    report:rows({ name = "states", title = "by state", rows = lines,
      columns = { "state", "sockets", "orphans", "unsent", { field = "gone", unit = "seconds" }, "waits_for" } })
    report:rows({ name = "sockets", title = "the last to go", columns = { "state", "local_addr", "local_port", "remote_addr",
      "remote_port", "send_q", { name = "gone", title = "gone", type = "number", unit = "seconds", align = "right",
        get = function(row) return gone_by(row, settings) end } },
      rows = dying:sort({ { get = function(row) return gone_by(row, settings) end, descending = true } })
        :limit(args.top) })
    report:next("sockq drain", "the sockets in TIME_WAIT by time and peer")
    if by_state.FIN_WAIT2.sockets > 0 then
      report:next("sockq FIN_WAIT2 -g remote_addr,program", "whose peers do not close")
    end
    if by_state.FIN_WAIT1.sockets + by_state.LAST_ACK.sockets + by_state.CLOSING.sockets > 0 then
      report:next("sockq retrans", "how often the kernel has tried, and when it gives up")
    end
  end,
}
