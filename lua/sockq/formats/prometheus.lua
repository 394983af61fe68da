-- The prometheus format: the text exposition format 0.0.4, a file for node_exporter's textfile
-- collector or an answer to a scrape. Names and texts are labels, numbers that are no names are
-- gauges called sockq_TITLE_COLUMN; a count of rows is sockq_TITLE alone. Samples of one metric stand
-- together, so everything is kept until the last row has come.

local buffer = require("sockq.buffer")
local cells = require("sockq.cells")
local escape = require("sockq.escape")
local value = require("sockq.value")

local NUMERIC = { integer = true, number = true }

-- A name of ASCII letters, digits and underscores; used: the names that are taken.
local function valid_name(text, used)
  local name = text:gsub("[^%w_]+", "_"):gsub("^_+", ""):gsub("_+$", "")
  if not name:find("^%a") then
    name = name == "" and "c" or "c_" .. name
  end
  local base, number = name, 1
  while used[name] do
    number = number + 1
    name = base .. "_" .. number
  end
  used[name] = true
  return name
end

-- Endings that mean something: a gauge must not have them.
local RESERVED = { "_count", "_sum", "_bucket", "_total", "_info", "_created" }

-- Words that name a metric's type must not stand in its name.
local TYPES = { histogram = "distribution", gauge = "gauges", counter = "counters", summary = "summaries" }

local function metric_name(prefix, column, used)
  local name = cells.name(column)
  if name == "count" then
    return valid_name(prefix, used)
  end
  local full = valid_name(prefix .. "_" .. name, {}):gsub("%f[%a]%a+%f[%A]", TYPES)
  for _, ending in ipairs(RESERVED) do
    if full:sub(-#ending) == ending then
      full = full .. "_value"
    end
  end
  return valid_name(full, used)
end

local LABEL = { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n" }

local is_plain = buffer.plain(buffer.bytes('[%c\\"\128-\255]'))

local function label_text(given)
  local text = type(given) == "string" and given or value.text(given)
  if not is_plain(text) then
    -- Line feeds have an escape of their own here.
    text = text:gsub("[^\n]+", escape.bytes):gsub('[\\"\n]', LABEL)
  end
  return text
end

local function help_text(column)
  local text = column.doc or column.title
  if column.unit and not text:find(column.unit, 1, true) then
    text = text .. " in " .. column.unit
  end
  return (escape.bytes(text:gsub("\n", " ")):gsub("\\", "\\\\"))
end

local function number_text(number)
  return value.number(number) or (number ~= number and "NaN") or (number > 0 and "+Inf" or "-Inf")
end

-- What a column is: "label", "gauge" or "histogram".
local function kind_of(column)
  if column.type == "histogram" then
    return "histogram"
  elseif column.role ~= "key" and NUMERIC[column.type] and (column.role == "value" or not column.identifies) then
    return "gauge"
  end
  return "label"
end

-- values: by the number of the row's labels.
local function new_metric(name, help, column)
  return { name = name, help = help, column = column, get = column and column.get, values = {} }
end

local function put_sample(out, name, labels, number)
  out.put(name)
  if labels ~= "" then
    out.put("{")
    out.put(labels)
    out.put("}")
  end
  if out.calls.number(out.handle, " ", 1, number) == 0 then
    out.put(" " .. number_text(number))
  end
  out.put("\n")
end

-- A sample a bucket; from and to are labels, since its end is no longer in it, as le would say.
local function put_histogram(out, name, labels, buckets)
  for _, bucket in ipairs(buckets) do
    local ends = ('from="%s",to="%s"'):format(number_text(bucket.from), number_text(bucket.to))
    put_sample(out, name, labels ~= "" and labels .. "," .. ends or ends, bucket.count)
  end
end

local function put_metric(out, metric, series)
  if not next(metric.values) then
    return
  end
  out.put(("# HELP %s %s\n# TYPE %s gauge\n"):format(metric.name, metric.help, metric.name))
  for i = 1, #series do
    local given = metric.values[i]
    if type(given) == "number" then
      put_sample(out, metric.name, series[i], given)
    elseif type(given) == "table" then
      put_histogram(out, metric.name, series[i], given)
    end
  end
end

-- The columns' labels and metrics.
local function plan(columns, title)
  local prefix = "sockq_" .. valid_name(title, {})
  local used_labels, used_metrics = { from = true, to = true, duplicate = true }, {}
  local labels, metrics = {}, {}
  for _, column in ipairs(columns) do
    if kind_of(column) == "label" then
      labels[#labels + 1] = { name = valid_name(cells.name(column), used_labels), get = column.get,
        domain = column.role == "key" and column.values or nil, key = column.role == "key" }
    else
      metrics[#metrics + 1] = new_metric(metric_name(prefix, column, used_metrics), help_text(column), column)
    end
  end
  if #metrics == 0 then
    metrics[1] = new_metric(valid_name(prefix .. "_info", {}), "always 1; what is known stands in the labels")
  end
  return labels, metrics
end

-- A label's text in a sample, "" where nothing is known: a label that is empty is one that is not there.
local function pair(label, text)
  return text and text ~= "" and label.name .. '="' .. text .. '"' or ""
end

local function joined(labels, texts)
  local parts = {}
  for i, label in ipairs(labels) do
    local part = pair(label, texts[i])
    if part ~= "" then
      parts[#parts + 1] = part
    end
  end
  return table.concat(parts, ",")
end

-- Give every combination of words that a key could have had its zeros, beside those of other keys
-- that there were. visit(texts) is called with each combination.
local function each_combination(labels, texts, i, visit)
  local label = labels[i]
  if not label then
    visit(texts)
  elseif label.domain then
    for _, word in ipairs(label.domain) do
      texts[i] = word
      each_combination(labels, texts, i + 1, visit)
    end
  else
    each_combination(labels, texts, i + 1, visit)
  end
end

local function open(columns, options, write)
  local labels, metrics = plan(columns, options.title or "sockets")
  local count = #labels
  local keys, zeros = {}, {}
  for _, label in ipairs(labels) do
    keys[#keys + 1] = label.key and label or nil
    zeros.wanted = zeros.wanted or label.domain ~= nil
  end
  -- The labels of each row, and how often they came.
  local series, seen = {}, {}
  local seen_keys, others, other_list = {}, {}, {}
  local texts = {}

  -- The combinations of keys that a zero may be wanted for.
  local function note_keys()
    local key_texts, rest = {}, {}
    for i = 1, count do
      if labels[i].key then
        key_texts[#key_texts + 1] = texts[i] or ""
        rest[#key_texts] = labels[i].domain and "" or texts[i] or ""
      end
    end
    seen_keys[joined(keys, key_texts)] = true
    local name = joined(keys, rest)
    if not others[name] then
      others[name] = true
      other_list[#other_list + 1] = rest
    end
  end

  local function add_zeros()
    if #other_list == 0 and #keys > 0 then
      for _, label in ipairs(keys) do
        if not label.domain then
          return
        end
      end
      other_list[1] = {}
    end
    for _, rest in ipairs(other_list) do
      each_combination(keys, rest, 1, function(combination)
        local name = joined(keys, combination)
        if not seen_keys[name] then
          series[#series + 1] = name
          for _, metric in ipairs(metrics) do
            metric.values[#series] = metric.column and metric.column.empty
          end
        end
      end)
    end
  end

  return {
    row = function(row)
      for i = 1, count do
        local given = labels[i].get(row)
        texts[i] = given ~= nil and label_text(given) or nil
      end
      local name = joined(labels, texts)
      local times = (seen[name] or 0) + 1
      seen[name] = times
      if zeros.wanted then
        note_keys()
      end
      if times > 1 then
        -- Rows that look alike are told apart, or all but one would be lost.
        name = name .. (name ~= "" and "," or "") .. ('duplicate="%d"'):format(times)
      end
      local number = #series + 1
      series[number] = name
      for i = 1, #metrics do
        local metric = metrics[i]
        if metric.get then
          metric.values[number] = metric.get(row)
        else
          metric.values[number] = 1
        end
      end
    end,
    finish = function()
      if zeros.wanted then
        add_zeros()
      end
      local out = buffer.open(write)
      for _, metric in ipairs(metrics) do
        put_metric(out, metric, series)
      end
      out.flush()
    end,
  }
end

return {
  doc = "text for Prometheus: names are labels, numbers are gauges; a key with known words has zeros too",
  layout = "fields",
  open = open,
}
