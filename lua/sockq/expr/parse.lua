--- Text of an expression to a tree of plain tables: the syntax of Lua's expressions, by LPeg.
--
-- A node has `kind`, `pos` (its first byte in the text, from 1) and, by kind:
--   number string boolean    value
--   nil
--   name                     name
--   call                     name; [1] … [n] the arguments; last, the byte of its ")"
--   not negate               [1]
--   compare                  [1] [2]; ops[1] is == ~= < <= > or >=
--   arithmetic               [1] … [n]; ops[i] stands between [i] and [i + 1]; * / % or + -
--   concat and or            [1] … [n]
-- A run of operators of one rank is one flat node, so that length costs no depth.
--
-- A new operator is one word in `levels`, a new kind of value one alternative in `primary`.
local lpeg = require "lpeg"

local C, Carg, Cc, Cmt, Cp, Cs, Ct = lpeg.C, lpeg.Carg, lpeg.Cc, lpeg.Cmt, lpeg.Cp, lpeg.Cs, lpeg.Ct
local P, R, S = lpeg.P, lpeg.R, lpeg.S
local nearest = require "sockq.nearest"
local huge = math.huge
local sformat = string.format

-- parse.list() reads several expressions with commas between them, each with a head: "-", "name=".
local parse = {}

--- Brackets and unary operators that may be open at one place; LPeg's own limit lies above.
parse.MAX_NESTING = 100
--- Bytes in one expression.
parse.MAX_BYTES = 65536

-- What marks an error of the expression among Lua errors, which are our own mistakes.
local Failure = {}

--- Give up on an expression. Only below parse.protect().
---@param pos integer  byte in the text
---@param message string  "what is wrong; what to do"
function parse.raise(pos, message)
  error(setmetatable({ pos = pos, message = message }, Failure), 0)
end
local raise = parse.raise

--- Call a function that may parse.raise().
---@param func function
---@return any  # its result, or nil
---@return table?  # what was raised: { pos =, message = }
--- Any other error passes through.
function parse.protect(func, ...)
  local ok, result = pcall(func, ...)
  if ok then return result end
  if getmetatable(result) ~= Failure then error(result, 0) end
  return nil, result
end

parse.quote = require("sockq.hint").quote
local quote = parse.quote

-- What other languages write, and what to write here: before an operand, and behind one.
local foreign_prefix = {
  ["!"] = "write not", ["~"] = "write not", ["/"] = 'text needs quotes: path == "/run/x.sock"',
}
local PATTERN = "write match(text, pattern)"
local foreign_infix = {
  ["="] = "write ==", ["&&"] = "write and", ["||"] = "write or", ["&"] = "write and",
  ["|"] = "write or", ["~"] = PATTERN .. ", or ~= for not equal", ["=~"] = PATTERN, ["!~"] = "write not match(text, pattern)",
  like = PATTERN, matches = PATTERN, contains = PATTERN, is = "write ==",
  ["in"] = "write a == 1 or a == 2, or within(address, network)", within = "write within(address, network)",
}

--- Say what was found where something else was expected.
---@param text string
---@param at integer
---@param expected string
---@param foreign table
local function unexpected(text, at, expected, foreign)
  if at > #text then raise(at, "the expression ends here; expected " .. expected) end
  local port = text:match("^:(%d+)", at)
  if port then
    raise(at, sformat("a port has a side; write local_port == %s or remote_port == %s", port, port))
  end
  local found = text:match("^[%w_]+", at) or text:match("^&&", at) or text:match("^||", at)
    or text:match("^[=~<>!]=", at) or text:match("^[=!]~", at)
    or text:match("^[\194-\244][\128-\191]+", at) or text:sub(at, at)
  local near = found:find "^%a+$" and nearest(found, foreign == foreign_infix and { "and", "or" } or { "not" })
  if foreign == foreign_infix and found:find "^[%a_]" then
    expected = expected:gsub("^an operator", "an operator such as and")
  end
  raise(at, sformat("unexpected %s; %s", quote(found),
    foreign[found] or near and "did you mean " .. near .. "?" or "expected " .. expected))
end

--- A pattern that never matches but raises.
---@param message string
---@param back? integer  how many bytes before the place the column is
---@return userdata
local function refuse(message, back)
  return Cmt(true, function(_, at) raise(at - (back or 0), message) end)
end

local space = S " \t\r\n\f\v" ^ 0
local digit, hex_digit = R "09", R("09", "af", "AF")
local name_char = R("az", "AZ", "09") + "_"

---@param text string
---@return userdata  # the word, not as the start of a longer one
local function word(text) return P(text) * -name_char end

local reserved = word "and" + word "or" + word "not" + word "nil" + word "true" + word "false"
local name = (R("az", "AZ") + "_") * name_char ^ 0 - reserved

---@param kind string
---@return function  # (pos, value) to a token; the token of a value is its node
local function token(kind)
  return function(pos, value) return { kind = kind, pos = pos, value = value } end
end

---@param kind string
---@return function  # (pos, name) to a token
local function named(kind)
  return function(pos, text, last) return { kind = kind, pos = pos, name = text, last = last } end
end

local function truth(pos, text)
  return { kind = "boolean", pos = pos, value = text == "true" }
end

local decimal = (digit ^ 1 * (P "." * digit ^ 0) ^ -1 + P "." * digit ^ 1)
  * (S "eE" * S "+-" ^ -1 * digit ^ 1) ^ -1
-- Units that stand behind a number elsewhere -> the constant to multiply by here.
local UNITS = {
  k = "KiB", kb = "KiB", kib = "KiB", M = "MiB", mb = "MiB", mib = "MiB", g = "GiB", gb = "GiB", gib = "GiB",
  s = "seconds", sec = "seconds", m = "minutes", min = "minutes", h = "hours",
}

--- The value of a number. LuaJIT reads no exponent of eight digits or more.
local function value_of(text)
  return tonumber(text) or (text:find "[eE]%-" or not text:find "^[0.]*[1-9]") and 0 or huge
end

local number = C(P "0" * S "xX" * hex_digit ^ 1 + decimal) * -(name_char + ".") / value_of
  + #(digit ^ 1 * ("." * digit ^ 1) ^ 2) * Cmt(true, function(text, at)
    local address = text:match("^[%d./]+", at)
    raise(at, sformat('an address needs quotes; write within(remote_addr, "%s")', address))
  end)
  + #(digit + P "." * digit) * Cmt(true, function(text, at)
    local count, unit = text:match("^(%d+%.?%d*)(%a+)", at)
    unit = unit and (UNITS[unit] or UNITS[unit:lower()])
    raise(at, "malformed number; " .. (unit and sformat("write %s*%s", count, unit)
      or "put a space behind it, or write it as 10, 0.5, 1e3 or 0x1f"))
  end)

local controls = {
  a = "\a", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", v = "\v",
  ["\\"] = "\\", ['"'] = '"', ["'"] = "'", ["\n"] = "\n",
}
-- Captures stay plain: a Cmt with a result would run into LPeg's limit after some thousand.
local code = R "01" * digit * digit + P "2" * R "04" * digit + P "25" * R "05"
  + digit * digit ^ -1 * -digit
local escape = (P "\\" / "") * (S "abfnrtv\\\"'\n" / controls
  + code / function(digits) return string.char(tonumber(digits)) end
  + (P "x" / "") * (hex_digit * hex_digit / function(hex) return string.char(tonumber(hex, 16)) end)
  + (P "z" * space) / ""
  + -P(1)
  + #digit * refuse("escape above \\255; a byte has three digits at most", 1)
  + refuse("unknown escape; write \\\\ for a backslash", 1))

-- Where the string begins that is being read, for the message when it does not end.
local opened = Cmt(Carg(1), function(_, at, state)
  state.quote = at - 1
  return true
end)
local unfinished = Cmt(Carg(1), function(text, _, state)
  local mark = text:sub(state.quote, state.quote)
  raise(state.quote, sformat("unfinished string; close it with %s", mark))
end)

---@param mark string  one quotation mark
---@return userdata
local function quoted(mark)
  return P(mark) * opened * Cs((escape + (1 - S(mark .. "\\\n"))) ^ 0) * (mark + unfinished)
end

-- The bracket that was opened last decides what may come next: nil, "(" or "call".
local function bracket(state) return state[#state] end

---@param kind string
---@return userdata
local function push(kind)
  return Cmt(Carg(1), function(_, _, state)
    state[#state + 1] = kind
    return true
  end)
end

local pop = Cmt(Carg(1), function(_, _, state)
  if not bracket(state) then return false end
  state[#state] = nil
  return true
end)

local within_call = Cmt(Carg(1), function(_, _, state) return bracket(state) == "call" end)

local in_list = Cmt(Carg(1), function(_, _, state) return state.list and not bracket(state) end)
local may_name = Cmt(Carg(1), function(_, _, state) return state.list.names end)
local may_descend = Cmt(Carg(1), function(_, _, state) return state.list.descending end)

local at_end = Cmt(Carg(1), function(text, at, state)
  if at > #text and not bracket(state) then return true end
  local expected = { ["("] = 'an operator or ")"', call = 'an operator, "," or ")"' }
  local outside = state.list and 'an operator, "," or the end' or "an operator or the end"
  unexpected(text, at, expected[bracket(state)] or outside, foreign_infix)
end)

-- The grammar is flat and knows brackets by a stack of its own: LPeg's limits on nested rules and
-- captures are never met, and build() below makes the tree.
-- p99.9(…) is a call as well.
local callee = C(name * (P "." * digit ^ 1) ^ -1) * space * P "("
local prefix = Cp() * C(word "not" + "-") / token "unary"
  + Cp() * callee * -(space * ")") * push "call" / named "call"
  + Cp() * P "(" * push "(" / token "open"
local value = Cp() * number / token "number"
  + Cp() * (quoted '"' + quoted "'") / token "string"
  + Cp() * C(word "true" + word "false") / truth
  + Cp() * word "nil" / token "nil"
  + Cp() * callee * space * Cp() * P ")" / named "empty call"
  + Cp() * C(name) / named "name"
local close = Cp() * P ")" * pop / token "close"
local joint = Cp() * C(P "==" + "~=" + "!=" + "<=" + ">=" + "<" + ">" + ".." + S "+-*/%"
  + word "and" + word "or") / token "binary"
  + Cp() * within_call * "," / token "comma"
local separator = Cp() * in_list * "," / token "separator"
-- What stands before an expression in a list.
local sign = may_descend * P "-" * space * Cc(true) + Cc(false)
local given = may_name * Cp() * C(name) * space * P "=" * -P "=" * space + Cc(false) * Cc(false)
local head = sign * given * Cp()
  / function(descending, name_pos, text, pos)
    return { kind = "head", descending = descending, name_pos = name_pos or nil, name = text or nil, pos = pos }
  end

local no_value = Cmt(true, function(text, at)
  unexpected(text, at, "a field, a value, not, - or (", foreign_prefix)
end)

local operand = (prefix * space) ^ 0 * (value + no_value) * space
  * (close * space) ^ 0
local expression = operand * (joint * space * operand) ^ 0
local grammar = space * Ct(expression) * at_end
local list_grammar = space * Ct(head * expression * (separator * space * head * expression) ^ 0) * at_end

-- Binary operators, those that bind tightest first.
local levels = {
  { kind = "arithmetic", ["*"] = true, ["/"] = true, ["%"] = true },
  { kind = "arithmetic", ["+"] = true, ["-"] = true },
  { kind = "concat", [".."] = true },
  { kind = "compare", ["=="] = true, ["~="] = true,
    ["<"] = true, ["<="] = true, [">"] = true, [">="] = true },
  { kind = "and", ["and"] = true },
  { kind = "or", ["or"] = true },
}

--- Join the nodes whose operators are of one level.
---@param items table  node, token, node, token, node …
---@param level table
---@return table  # the same with fewer items
local function join(items, level)
  local joined, last = { items[1] }, 1
  local run
  for i = 2, #items, 2 do
    local op, right = items[i].value, items[i + 1]
    if not level[op] then
      joined[last + 1], joined[last + 2] = items[i], right
      last, run = last + 2, nil
    else
      if not run then
        run = { kind = level.kind, pos = joined[last].pos, ops = {}, joined[last] }
        joined[last] = run
      elseif level.kind == "compare" then
        raise(items[i].pos, "comparisons do not chain; write a < b and b < c")
      end
      run.ops[#run] = op
      run[#run + 1] = right
    end
  end
  return joined
end

---@param items table
---@return table  # one node
local function fold(items)
  for i = 1, #levels do
    if #items == 1 then break end
    items = join(items, levels[i])
  end
  return items[1]
end

local unary_kinds = { ["not"] = "not", ["-"] = "negate" }

--- The tree of a sequence that the grammar has accepted.
---@param tokens table
---@param first integer
---@param last integer
---@return table  # a node
local function build(tokens, first, last)
  -- One frame a bracket: the operands and operators so far, and the unary operators that wait for
  -- the next operand. The depth counts both.
  local frame = { items = {}, waiting = {} }
  local depth = 0

  local function deeper(pos)
    depth = depth + 1
    if depth > parse.MAX_NESTING then
      raise(pos, sformat("nested more than %d deep; split the expression", parse.MAX_NESTING))
    end
  end

  local function complete(node)
    local waiting = frame.waiting
    for i = #waiting, 1, -1 do
      node = { kind = unary_kinds[waiting[i].value], pos = waiting[i].pos, node }
      waiting[i] = nil
      depth = depth - 1
    end
    frame.items[#frame.items + 1] = node
  end

  for i = first, last do
    local this = tokens[i]
    local kind = this.kind
    if kind == "unary" then
      deeper(this.pos)
      frame.waiting[#frame.waiting + 1] = this
    elseif kind == "open" or kind == "call" then
      deeper(this.pos)
      frame = { items = {}, waiting = {}, outer = frame, call = kind == "call" and this }
    elseif kind == "comma" then
      frame.call[#frame.call + 1] = fold(frame.items)
      frame.items = {}
    elseif kind == "close" then
      local node, call = fold(frame.items), frame.call
      if call then
        call[#call + 1] = node
        call.last = this.pos
      end
      frame, depth = frame.outer, depth - 1
      complete(call or node)
    elseif kind == "binary" then
      if this.value == "!=" then this.value = "~=" end
      frame.items[#frame.items + 1] = this
    else
      if kind == "empty call" then this.kind = "call" end
      complete(this)
    end
  end
  return fold(frame.items)
end

---@param text string
local function check_length(text)
  if #text > parse.MAX_BYTES then
    raise(1, sformat("%d bytes, more than the %d of one expression; split it", #text,
      parse.MAX_BYTES))
  end
end

--- The tree of an expression. Only below parse.protect().
---@param text string
---@return table  # a node
function parse.tree(text)
  check_length(text)
  local tokens = grammar:match(text, 1, {})
  return build(tokens, 1, #tokens)
end

--- Several expressions with commas between them. Only below parse.protect().
---@param text string
---@param allowed table  names: each may have "name=" before it; descending: "-", before the name
---@return table[]  # { tree, pos (of its expression), text (of it, trimmed), name, name_pos,
---   descending }
function parse.list(text, allowed)
  check_length(text)
  local tokens = list_grammar:match(text, 1, { list = allowed })
  local items, first = {}, 1
  for i = 1, #tokens + 1 do
    local this = tokens[i]
    if not this or this.kind == "separator" then
      local item = tokens[first]
      item.tree = build(tokens, first + 1, i - 1)
      item.text = text:sub(item.pos, this and this.pos - 1 or #text):match "^(.-)%s*$"
      items[#items + 1] = item
      first = i + 1
    end
  end
  return items
end

return parse
