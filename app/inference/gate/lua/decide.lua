-- A question is {kind, time in microseconds or 0 for the store's own clock, …}.
local function decide(question, attached)
  local kind, at = question[1], question[2] > 0 and question[2] or now
  if kind == 'admit' then return admit(question[3], attached, at) end
  if kind == 'notes' then return take_notes(question[3], attached, at) end
  if kind == 'load' then return {begin_load(question[3], question[4])} end
  if kind == 'loaded' then
    local key, token, settled = question[3], question[4], question[5]
    return {end_load(key, token, settled, question[6], question[7], question[8])}
  end
  if kind == 'count' then
    local standing, refused = weigh(question[3], at)
    if not refused then take(question[3], standing, at, #question[3]) end
    return {standing}
  end
  local found = {}
  for i, key in ipairs(question[3]) do found[i] = breaker_standing(key, at) end
  return found
end
