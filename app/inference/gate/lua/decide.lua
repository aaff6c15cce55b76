-- A question is {kind, time in microseconds or 0 for the store's own clock, …}.

-- The stream first: what cannot be recorded changes nothing.
local function finish()
  write_records()
  write_starts()
  write_buckets()
  write_breakers()
  write_budgets()
  write_hashes()
  write_slots()
  write_applied()
end

local function decide(question, attached, shared, owns)
  local kind, at = question[1], question[2] > 0 and question[2] or now
  if kind == 'admit' then return admit_alike(question, owns, attached, shared, at) end
  if kind == 'notes' then return take_notes(question[3], attached, at) end
  if kind == 'load' then
    finish()
    return {begin_load(question[3], question[4])}
  end
  if kind == 'loaded' then
    finish()
    local key, token, settled = question[3], question[4], question[5]
    return {end_load(key, token, settled, question[6], question[7], question[8])}
  end
  if kind == 'count' then
    local policies = question[3]
    local short = weigh(policies, at)
    return {take(policies, at, short and 0 or #policies), short}
  end
  local found = {}
  for i, key in ipairs(question[3]) do found[i] = breaker_standing(key, at) end
  return found
end
