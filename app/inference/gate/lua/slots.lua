-- A slot is a hash of requests under way: how many attempts each has open.
local slots = {}

local function slot_of(key)
  local slot = slots[key]
  if not slot then
    slot = {taken = redis.call('HLEN', key), attempts = {}, changed = {}}
    slots[key] = slot
  end
  return slot
end

-- The first slot that has no room for so many, or nil.
local function full_slot(limits, many)
  for i, limit in ipairs(limits) do
    if slot_of(limit[1]).taken + many > limit[2] then return i end
  end
end

-- Have it known how many attempts these requests have open, read at once.
local function read_attempts(key, requests)
  local attempts, unknown = slot_of(key).attempts, {}
  for _, request in ipairs(requests) do
    if not attempts[request] then unknown[#unknown + 1] = request end
  end
  if #unknown == 0 then return end
  for i, open in ipairs(redis.call('HMGET', key, unpack(unknown))) do
    attempts[unknown[i]] = tonumber(open or 0)
  end
end

local function count_attempt(key, request, by)
  local slot = slot_of(key)
  if not slot.attempts[request] then read_attempts(key, {request}) end
  local before = slot.attempts[request]
  local after = math.max(before + by, 0)
  put(slot.attempts, request, after)
  slot.changed[request] = true
  if before == 0 and after > 0 then put(slot, 'taken', slot.taken + 1) end
  if before > 0 and after == 0 then put(slot, 'taken', slot.taken - 1) end
end

-- Of a request that is `fresh` nobody has to look for attempts before this one.
local function take_slots(keys, request, fresh)
  for _, key in ipairs(keys) do
    if fresh then slot_of(key).attempts[request] = 0 end
    count_attempt(key, request, 1)
  end
end

local function free_slots(keys, request)
  for _, key in ipairs(keys) do count_attempt(key, request, -1) end
end

local function write_slots()
  for key, slot in pairs(slots) do
    write_fields(key, slot.changed, slot.attempts)
  end
  slots = {}
end
