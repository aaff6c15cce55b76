-- What an open call holds, by its executor: {amount, budget keys, slot keys, request}; and the
-- guesses of those who swept an executor: {cost, budget keys}. Both are hashes of packed values.
local DAY = 86400
local hashes = {}

-- Its values are as they stand in Valkey: false is none.
local function hash_of(key)
  local hash = hashes[key]
  if not hash then
    hash = {key = key, values = {}, changed = {}}
    hashes[key] = hash
  end
  return hash
end

local function holds_of(executor)
  return hash_of('holds:' .. executor)
end

-- Have it known what these ids have, read at once.
local function read_values(hash, ids)
  local values, unknown = hash.values, {}
  for _, id in ipairs(ids) do
    if values[id] == nil then unknown[#unknown + 1] = id end
  end
  if #unknown == 0 then return end
  for i, packed in ipairs(redis.call('HMGET', hash.key, unpack(unknown))) do
    values[unknown[i]] = packed
  end
end

local function value_of(hash, id)
  if hash.values[id] == nil then read_values(hash, {id}) end
  return hash.values[id]
end

local function keep_value(hash, id, value)
  put(hash.values, id, value)
  hash.changed[id] = true
end

local function take_value(hash, id)
  local value = value_of(hash, id)
  if value then keep_value(hash, id, false) end
  return value
end

-- The holds of calls of one kind differ in their requests alone, which come last: what is before is
-- packed once for all of them, and unpacked once where requests are ids (36 characters).
local REQUEST, STRING = 36, '\217'
local unpacked = {}

-- What a hold says before its request.
local function packed_terms(amount, keys, slots)
  return string.sub(cmsgpack.pack({amount, keys, slots, ''}), 1, -2)
end

local function packed_hold(terms, request)
  return terms .. STRING .. string.char(#request) .. request
end

-- {amount, budget keys, slot keys} of a hold, the same keys as a set (`counted`), and its request.
local function said_in(hold)
  local terms, request = string.sub(hold, 1, -REQUEST - 1), string.sub(hold, -REQUEST)
  local said = unpacked[terms]
  if not said then
    said = cmsgpack.unpack(hold)
    said.counted = {}
    for _, key in ipairs(said[2]) do said.counted[key] = true end
    if said[4] ~= request then return said, said[4] end
    unpacked[terms] = said
  end
  return said, request
end

local function hold_for_budget(executor, id, key, amount)
  local holds = holds_of(executor)
  local hold = value_of(holds, id)
  local said = hold and cmsgpack.unpack(hold) or {amount, {}, {}, ''}
  local keys = {key}
  for _, known in ipairs(said[2]) do
    if known == key then return said[1] end
    keys[#keys + 1] = known
  end
  keep_value(holds, id, cmsgpack.pack({said[1], keys, said[3], said[4]}))
  return said[1]
end

local function write_hashes()
  for key, hash in pairs(hashes) do
    write_fields(key, hash.changed, hash.values)
    if hash.expires then redis.call('EXPIRE', key, DAY) end
  end
  hashes = {}
end
