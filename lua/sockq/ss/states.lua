-- State words of ss and sets of states: a bit for each of the kernel's numbers, bit 0 for a state that
-- is unknown.

local escape = require("sockq.escape")

local C = require("sockq.schema").C

local states = {}

local band, bor, bnot = bit.band, bit.bor, bit.bnot

-- ss knows the states below 12.
states.ALL = 2 ^ C.SOCKQ_NEW_SYN_RECV - 1

local function of(...)
  local mask = 0
  for _, number in ipairs({ ... }) do
    mask = mask + 2 ^ tonumber(number)
  end
  return mask
end

local CLOSE, LISTEN = of(C.SOCKQ_CLOSE), of(C.SOCKQ_LISTEN)
local BUCKET = of(C.SOCKQ_SYN_RECV, C.SOCKQ_TIME_WAIT)
local CONNECTED = states.ALL - CLOSE - LISTEN

--- What is shown where nothing else is said.
states.DEFAULT = CONNECTED - BUCKET

--- -l
states.LISTENING = LISTEN + CLOSE

local WORDS = {
  all = states.ALL, connected = CONNECTED, synchronized = CONNECTED - of(C.SOCKQ_SYN_SENT), bucket = BUCKET,
  big = states.ALL - BUCKET, established = of(C.SOCKQ_ESTABLISHED), ["syn-sent"] = of(C.SOCKQ_SYN_SENT),
  ["syn-recv"] = of(C.SOCKQ_SYN_RECV), ["syn-rcv"] = of(C.SOCKQ_SYN_RECV), ["fin-wait-1"] = of(C.SOCKQ_FIN_WAIT1),
  ["fin-wait-2"] = of(C.SOCKQ_FIN_WAIT2), ["time-wait"] = of(C.SOCKQ_TIME_WAIT), unconnected = CLOSE, close = CLOSE,
  closed = CLOSE, ["close-wait"] = of(C.SOCKQ_CLOSE_WAIT), ["last-ack"] = of(C.SOCKQ_LAST_ACK), listening = LISTEN,
  closing = of(C.SOCKQ_CLOSING), unknown = of(0),
}

--- The set of several words.
---@param words string[]
---@return integer
function states.mask(words)
  local mask = 0
  for _, word in ipairs(words) do
    mask = bor(mask, WORDS[word])
  end
  return mask
end

--- Whether a set has one member, or none.
---@param mask integer
function states.is_single(mask)
  return band(mask, mask - 1) == 0
end

local VERBS = { state = "add", exclude = "remove", excl = "remove" }

--- Read `state X` and `exclude X` at the front of words.
---@param words string[]
---@param mask integer  the explicit set so far, 0 for none
---@return integer|nil mask  # nil: a word is wrong
---@return integer|string    # the first word behind them; what is wrong
function states.read(words, mask)
  local at, said = 1, false
  while VERBS[words[at]] do
    local verb, word = VERBS[words[at]], words[at + 1]
    if not word then
      return nil, 'Command line is not complete. Try option "help"\n'
    end
    local named = WORDS[word:lower()]
    if not named then
      return nil, ("ss: wrong state name: %s\n"):format(escape.bytes(word))
    end
    if verb == "add" then
      mask = bor(said and mask or 0, named)
    else
      mask = band(said and mask or states.ALL, bnot(named))
    end
    said, at = true, at + 2
  end
  return mask, at
end

return states
