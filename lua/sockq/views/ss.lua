-- The ss view: what ss of iproute2 6.1.0 prints, byte for byte, but that control bytes of names are
-- escaped as ss 7 does. It only reads: -K and -D are refused.

local core = require("sockq.core")
local filter = require("sockq.ss.filter")
local follow = require("sockq.ss.follow")
local listing = require("sockq.ss.listing")
local lookup = require("sockq.ss.lookup")
local options = require("sockq.ss.options")
local output = require("sockq.output")
local plan = require("sockq.ss.plan")
local progress = require("sockq.progress")
local states = require("sockq.ss.states")
local summary = require("sockq.ss.summary")

local function complain(text)
  progress.erase()
  io.stderr:write(text)
end

local function finish(ends)
  output.write(ends.out or "")
  if ends.err then
    complain(ends.err)
  end
  return ends.status
end

local function run(args)
  local chosen, ends = options.parse(args, lookup.open)
  if ends then
    return finish(ends)
  end
  if chosen.summary then
    summary.write(complain)
    if not chosen.choice.named and #chosen.words == 0 then
      return 0
    end
  end
  local mask, at = states.read(chosen.words, chosen.states)
  if not mask then
    return finish({ status = 255, err = at })
  end
  local made = plan.new(chosen, mask)
  if not made.order[1] then
    return finish({ status = 0, err = plan.is_empty(made) })
  end
  local words = {}
  for i = at, #chosen.words do
    words[#words + 1] = chosen.words[i]
  end
  local found, wrong = filter.compile(words, chosen.filter_text, chosen.choice, lookup.of(made))
  if wrong then
    return finish(wrong)
  elseif found then
    plan.narrow(made, chosen.choice)
    made.filter = found
    local line = core.command_line()
    local note = line and line.given.verbose and filter.note(found.tree)
    if note then
      complain(note)
    end
  end
  local empty = plan.is_empty(made)
  if empty then
    return finish({ status = 0, err = empty })
  end
  if chosen.follows then
    local status, why = follow.run(made)
    return finish({ status = status, err = why })
  end
  return listing.run(made)
end

return {
  doc = "as ss of iproute2 6.1 lists sockets: sockq ss -tanpo",
  run = run,
}
