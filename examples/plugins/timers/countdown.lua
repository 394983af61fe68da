-- Q: How can the default table show the seconds that are left, and nothing else?
-- sockq --path "$PWD/examples/plugins" --proc tests/data/captures/centos7-seed/proc --timer countdown 'timer ~= "off"'
--> proto  recv_q  send_q  local               remote                state        timer          pid/program
--> tcp         0       0  192.168.91.11:4369  192.168.91.11:41918   TIME_WAIT    gone in 22.4   -
--> tcp         0       0  192.168.91.11:22    192.168.91.146:44936  ESTABLISHED  alive? in 3.6  12444/sshd: stack [priv]

local short = { on = "resend", keepalive = "alive?", timewait = "gone", probe = "window?" }

--- One cell: what happens, and in how many seconds.
local function format(row)
  local expires = row.expires
  if not expires then
    return ""
  end
  return ("%s in %.1f"):format(short[row.timer] or row.timer, expires)
end

return { doc = "what happens next, and in how many seconds", format = format }
