-- The records that a whole batch of questions leaves become one entry of the stream.
local records = {}

local function finish()
  if #records == 0 then return end
  redis.call('XADD', 'usage:calls', '*', 'records', '[' .. table.concat(records, ',') .. ']')
end
