-- Q: How do I paste the answer into a ticket?
-- sockq --path "$PWD/examples/plugins" --proc tests/data/captures/mixed-2/proc -f markdown -t -g state -L 3
--> | state | count |
--> |---|--:|
--> | ESTABLISHED | 10 |
--> | FIN_WAIT2 | 6 |
--> | LISTEN | 6 |

local function cell(value)
  if value == nil then return "" end
  return (sockq.escape(tostring(value)):gsub("|", "\\|"))
end

return {
  doc = "a table in Markdown",
  layout = "fields",
  open = function(columns, _, write)
    local titles, rules, cells = {}, {}, {}
    for i, column in ipairs(columns) do
      titles[i] = cell(column.title)
      rules[i] = column.align == "right" and "--:" or "---"
    end
    write("| " .. table.concat(titles, " | ") .. " |\n|" .. table.concat(rules, "|") .. "|\n")
    return {
      row = function(row)
        for i, column in ipairs(columns) do cells[i] = cell(column.get(row)) end
        write("| " .. table.concat(cells, " | ") .. " |\n")
      end,
      finish = function() end,
    }
  end,
}
