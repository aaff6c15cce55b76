-- Circuit breakers, one value a deployment. `b.w` counts calls of the last 30 seconds in slots of
-- five: {slot, good, bad, …}. Open: `b.n` times in a row, since `b.s`, until `b.u`; then one probe
-- (`b.p`, until `b.pu`) may pass. `b.c` is when a provider that asked for a pause may be asked
-- again. A value that is not there is a closed breaker.
local SLOT, SLOTS = 5000000, 6
local FAILURES, FIRST_OPEN, LONGEST_OPEN = 5, 5000000, 300000000
local PROBE_LEASE, LONGEST_PAUSE, KEPT = 30000000, 300000000, 3600000

local breakers, judged = {}, {}

local function breaker_of(key)
  local b = breakers[key]
  if not b then
    local packed = redis.call('GET', key)
    b = packed and cmsgpack.unpack(packed) or {}
    breakers[key] = b
  end
  return b
end

-- One to be changed, and kept.
local function copy_of(b)
  local copy = {}
  for name, value in pairs(b) do copy[name] = value end
  return copy
end

local function keep_breaker(key, b)
  put(breakers, key, b)
  judged[key] = true
end

local function write_breakers()
  for key in pairs(judged) do
    redis.call('SET', key, cmsgpack.pack(breakers[key]), 'PX', KEPT)
  end
  breakers, judged = {}, {}
end

-- Microseconds until it may be asked (0: now), and whether that is as its probe.
local function breaker_wait(b, at)
  local wait = math.max((b.c or 0) - at, 0)
  if not b.n then return wait, false end
  wait = math.max(wait, b.u - at)
  if b.p then wait = math.max(wait, b.pu - at) end
  return wait, wait == 0
end

local function probe_breaker(key, id, at)
  local b = copy_of(breaker_of(key))
  b.p, b.pu = id, at + PROBE_LEASE
  keep_breaker(key, b)
end

local function count_calls(b, at, good, bad)
  local slot = math.floor(at / SLOT)
  local kept, all_good, all_bad = {}, good, bad
  local now_good, now_bad = good, bad
  local w = b.w or {}
  for i = 1, #w, 3 do
    if w[i] == slot then
      now_good, now_bad = now_good + w[i + 1], now_bad + w[i + 2]
      all_good, all_bad = all_good + w[i + 1], all_bad + w[i + 2]
    elseif w[i] > slot - SLOTS and w[i] < slot then
      kept[#kept + 1], kept[#kept + 2], kept[#kept + 3] = w[i], w[i + 1], w[i + 2]
      all_good, all_bad = all_good + w[i + 1], all_bad + w[i + 2]
    end
  end
  kept[#kept + 1], kept[#kept + 2], kept[#kept + 3] = slot, now_good, now_bad
  b.w = kept
  return all_good, all_bad
end

local function open_breaker(b, at, jitter)
  b.n = (b.n or 0) + 1
  local length = math.min(FIRST_OPEN * 2 ^ (b.n - 1), LONGEST_OPEN) * (1 - 0.2 * jitter)
  b.s, b.u, b.p, b.pu, b.w = b.s or at, at + math.floor(length), nil, nil, nil
end

-- What came of calls: `good` and `bad` ones of anybody, or of the probe if `id` is its.
local function judge_breaker(key, at, id, good, bad, jitter)
  local b = copy_of(breaker_of(key))
  if not b.n then
    local all_good, all_bad = count_calls(b, at, good, bad)
    if bad > 0 and all_bad >= FAILURES and all_bad >= all_good then open_breaker(b, at, jitter) end
  elseif b.p == id and bad > 0 then
    open_breaker(b, at, jitter)
  elseif b.p == id and good > 0 then
    b = {c = b.c}
  elseif b.p == id then
    b.p, b.pu = nil, nil
  else
    return
  end
  keep_breaker(key, b)
end

local function pause_breaker(key, at, id, pause)
  local b = copy_of(breaker_of(key))
  b.c = math.max(b.c or 0, at + math.min(pause, LONGEST_PAUSE))
  if b.p == id then b.p, b.pu = nil, nil end
  keep_breaker(key, b)
end

-- {state, microseconds since it opened, microseconds until it may be asked}
local function breaker_standing(key, at)
  local b = breaker_of(key)
  local wait = breaker_wait(b, at)
  local state = 'closed'
  if b.n then
    state = at < b.u and 'open' or 'half_open'
  elseif wait > 0 then
    state = 'paused'
  end
  return {state, b.s and at - b.s or -1, wait}
end
