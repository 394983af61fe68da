-- The filter of ss, by LPeg, over words that sockq.ss.tokens makes. `and`, `or` and mere juxtaposition,
-- which is and, have one rank and group from the left; not takes the one condition or group behind it.
--
-- A node has `kind`, and by kind:
--   chain      [1] … [n] the members, from the left; ops[i], "and" or "or", stands before [i]; depth, of chains in it
--   not        [1]
--   host       side, "src" or "dst"; value, a sockq.ss.Host
--   port       side; op, one of == ~= < <= > >=; value, a sockq.ss.Host
--   dev fwmark cgroup   op, == or ~=; value
--   autobound

local lpeg = require("lpeg")
local tokens = require("sockq.ss.tokens")

local Carg, Cc, Cg, Cmt, Cp, Ct, P = lpeg.Carg, lpeg.Cc, lpeg.Cg, lpeg.Cmt, lpeg.Cp, lpeg.Ct, lpeg.P

local parse = {}

-- Groups and negations that are open at one place, as bison's stack has it.
local MOST_OPEN = 9990

-- Groups in one another that do not fall away: each takes calls when rows are looked at.
local MOST_NESTED = 2000

-- What marks a mistake in the filter among Lua errors.
local Failure = {}

--- Give up.
---@param what table  { at =, message = or syntax = }
local function raise(what)
  error(setmetatable(what, Failure), 0)
end

local END = P(tokens.END)

local function words(...)
  local pattern = P(false)
  for _, text in ipairs({ ... }) do
    pattern = pattern + P(text) * END
  end
  return pattern
end

local AND, OR, NOT = words("and", "&", "&&"), words("or", "|", "||"), words("not", "!")
local OPEN, CLOSE = words("("), words(")")
local EQUAL, UNEQUAL = words("=", "==", "eq"), words("!=", "ne", "neq")
local LESS, MORE = words("<", "lt"), words(">", "gt")
local AT_MOST, AT_LEAST = words("<=", "le", "leq"), words(">=", "ge", "geq")
local SIDE, PORT = words("src", "dst"), words("sport", "dport")
local OTHER, AUTO = words("dev", "fwmark", "cgroup"), words("autobound")

local keyword = AND + OR + NOT + OPEN + CLOSE + EQUAL + UNEQUAL + LESS + MORE + AT_MOST + AT_LEAST + SIDE + PORT + OTHER
  + AUTO
local any_word = (1 - END) ^ 1 * END

-- What a word that is no keyword is taken for: what the last condition's name says.
local function value_of(subject, from, behind, state)
  local text = subject:sub(from, behind - 2)
  local value, message = state.read(state.kind or "src", text)
  if value == nil then
    raise({ at = from, message = message })
  end
  return value
end

local value = Cmt(Cp() * (any_word - keyword) * Carg(1), function(subject, at, from, state)
  return at, value_of(subject, from, at, state)
end)

-- Where nothing fits: the word is still read for what it may be. The byte is never asked for; it tells LPeg that
-- a loop does not stand still.
local wrong = Cmt(Cp() * ((any_word - keyword) * Cc(true)) ^ -1 * Carg(1), function(subject, at, from, is_value, state)
  if state == nil then
    is_value, state = false, is_value
  end
  if is_value then
    value_of(subject, from, at, state)
  elseif from > #subject and state.too_long then
    raise({ at = from, message = "Too long line in filter\n" })
  end
  raise({ at = from, syntax = "syntax error!" })
end) * 1

local function remembered(pattern)
  return Cmt(Cp() * pattern * Carg(1), function(subject, at, from, state)
    state.kind, state.negations = subject:sub(from, at - 2), 0
    return at, state.kind
  end)
end

local function counted(pattern, step, kind)
  return Cmt(Cp() * pattern * Carg(1), function(_, at, from, state)
    local counter = kind == "not" and "negations" or "groups"
    state[counter] = state[counter] + step
    if state.groups < 0 then
      raise({ at = from, syntax = "syntax error!" })
    elseif state.groups + state.negations > MOST_OPEN then
      raise({ at = from, syntax = "memory exhausted!" })
    end
    return at, { kind = kind, pos = from }
  end)
end

local function condition(pattern, operator)
  return Ct(Cg(Cp(), "pos") * Cg(remembered(pattern), "name") * Cg(operator, "op") * Cg(value + wrong, "value"))
end

local equality = EQUAL * Cc("==") + UNEQUAL * Cc("~=") + Cc("==")
local comparison = AT_MOST * Cc("<=") + AT_LEAST * Cc(">=") + LESS * Cc("<") + MORE * Cc(">") + equality
local predicate = condition(SIDE, EQUAL ^ -1 * Cc("==")) + condition(PORT, comparison) + condition(OTHER, equality)
  + Ct(Cg(Cp(), "pos") * Cg(remembered(AUTO), "name"))

local link = Cp() * (AND * Cc("and") + OR * Cc("or") + Cc("and")) / function(pos, op)
  return { kind = "link", op = op, pos = pos }
end
local finish = P(-1) * Cmt(Carg(1), function(subject, at, state)
  if state.groups > 0 or state.too_long then
    raise({ at = #subject + 1, syntax = not state.too_long and "syntax error!" or nil,
      message = state.too_long and "Too long line in filter\n" or nil })
  end
  return at
end)
-- One piece a match: LPeg keeps what Cmt gives on Lua's stack until a match ends, and filters may be long. Behind a
-- condition comes what closes groups, a link to the next one, or the end.
local starts_operand = #(NOT + OPEN + SIDE + PORT + OTHER + AUTO)
local operand = (counted(NOT, 1, "not") + counted(OPEN, 1, "open") + predicate + wrong) * Cp()
local behind = (counted(CLOSE, -1, "close") + (#(AND + OR) + starts_operand) * link + (finish + wrong) * Cc({ kind = "end" }))
  * Cp()

local function pieces(text, state)
  local list, expected, at = {}, operand, 1
  while true do
    local piece
    piece, at = expected:match(text, at, state)
    if piece.kind == "end" then
      return list
    end
    list[#list + 1] = piece
    if piece.kind == "link" then
      expected = operand
    elseif not piece.kind then
      expected = behind
    end
  end
end

local KINDS = { src = "host", dst = "host", sport = "port", dport = "port" }
local SIDES = { src = "src", sport = "src", dst = "dst", dport = "dst" }

local function leaf(found)
  return { kind = KINDS[found.name] or found.name, side = SIDES[found.name], op = found.op, value = found.value,
    pos = found.pos }
end

-- A group of one is that one.
local function fold(frame)
  if #frame.list == 1 then
    return frame.list[1]
  end
  local node = { kind = "chain", ops = frame.ops, pos = frame.list[1].pos, depth = 1 }
  for i, member in ipairs(frame.list) do
    node[i] = member
    node.depth = math.max(node.depth, (member.depth or 0) + 1)
  end
  if node.depth > MOST_NESTED then
    raise({ at = node.pos, message = ("sockq: ss: groups stand in one another more than %d deep; take some apart\n"):format(
      MOST_NESTED) })
  end
  return node
end

-- Negations before a node, the last one first; two of them are none.
local function negate(node, count)
  return count % 2 == 1 and { kind = "not", pos = node.pos, depth = node.depth, node } or node
end

local function build(found)
  local frame = { list = {}, ops = {}, negations = 0, op = "and" }
  local function complete(node)
    frame.list[#frame.list + 1] = negate(node, frame.negations)
    frame.ops[#frame.list] = frame.op
    frame.negations = 0
  end
  for _, this in ipairs(found) do
    if this.kind == "not" then
      frame.negations = frame.negations + 1
    elseif this.kind == "open" then
      frame = { list = {}, ops = {}, negations = 0, outer = frame, op = "and" }
    elseif this.kind == "close" then
      local node = fold(frame)
      frame = frame.outer
      complete(node)
    elseif this.kind == "link" then
      frame.op = this.op
    else
      complete(leaf(this))
    end
  end
  return fold(frame)
end

--- The tree of a filter.
---@param list string[]   its words
---@param read fun(kind: string, text: string): any, string?  the value of a word behind src, dst, sport, dport, dev,
---   fwmark, cgroup or autobound; nil and what to say of it
---@return table|nil      # a node
---@return table?         # what is wrong: { at = byte in the text, message = or syntax = }
function parse.tree(list, read)
  local state = { read = read, negations = 0, groups = 0, too_long = list.too_long }
  local ok, result = pcall(function() return build(pieces(tokens.text(list), state)) end)
  if ok then
    return result
  elseif getmetatable(result) ~= Failure then
    error(result, 0)
  end
  return nil, result
end

--- Whether `and` behind `or` groups in another way than it does by precedence.
---@param node table
---@return boolean
function parse.is_left_grouped(node)
  local stack = { node }
  while #stack > 0 do
    local this = table.remove(stack)
    local seen_or = false
    for i, child in ipairs(this) do
      if this.kind == "chain" and i > 1 then
        if this.ops[i] == "and" and seen_or then
          return true
        end
        seen_or = seen_or or this.ops[i] == "or"
      end
      stack[#stack + 1] = child
    end
  end
  return false
end

return parse
