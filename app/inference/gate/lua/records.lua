-- Write the fields of a hash that have these names: what `value_of` gives, gone where that is false,
-- as they are where it is nil.
local function write_fields(key, names, value_of)
  local kept, gone = {}, {}
  for name in pairs(names) do
    local value = value_of(name)
    if value then
      kept[#kept + 1], kept[#kept + 2] = name, value
    elseif value == false then
      gone[#gone + 1] = name
    end
  end
  call_with('HSET', key, kept)
  call_with('HDEL', key, gone)
end

-- The records that a whole batch of questions leaves become one entry of the stream.
local records, recorded = {}, {pieces = 0}

local function record(row)
  local pieces = recorded.pieces
  records[pieces + 1], records[pieces + 2] = ',', row
  put(recorded, 'pieces', pieces + 2)
end

local function write_records()
  if recorded.pieces == 0 then return end
  records[1], records[recorded.pieces + 1] = '[', ']'
  local rows = table.concat(records, '', 1, recorded.pieces + 1)
  redis.call('XADD', 'usage:calls', '*', 'records', rows)
  records, recorded = {}, {pieces = 0}
end

-- How calls began, by their ids, until the ledger has stored it or they have ended: most of them end
-- before anybody has to know. One that has ended is false.
local starts = {}

local function write_starts()
  write_fields('usage:starts', starts, function(id) return starts[id] end)
  starts = {}
end
