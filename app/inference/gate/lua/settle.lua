-- Notes are applied once each: `sequence` counts the batches of an executor, and one that comes
-- again (its answer was lost) is known by it.

-- Of a call that nobody could be asked about when it began: {id, amount, budget keys}. A budget
-- that is cold takes it from its record.
local function hold_late(executor, open)
  if hold_of(executor, open[1]) then return end
  local held = {}
  for _, key in ipairs(open[3]) do
    if redis.call('EXISTS', key) == 1 then
      redis.call('HINCRBY', key, 'r', exact(open[2]))
      held[#held + 1] = key
    end
  end
  if #held > 0 then keep_hold(executor, open[1], {open[2], held, {}, ''}) end
end

-- A `lost` call is settled by another process, with a guess that stays known for as long as its
-- owner may turn out to live. `keys` are the budgets it fell under when it began.
local function settle_money(id, executor, cost, keys, lost)
  local hold, swept = take_hold(executor, id), 'swept:' .. executor
  local counted = {}
  if hold then
    free_slots(hold[3], hold[4])
    for _, key in ipairs(hold[2]) do
      counted[key] = true
      add_to_budget(key, cost, -hold[1], id)
    end
    if lost then
      redis.call('HSET', swept, id, cmsgpack.pack({cost, hold[2]}))
      redis.call('EXPIRE', swept, DAY)
    end
  elseif not lost then
    local guess = redis.call('HGET', swept, id)
    if guess then redis.call('HDEL', swept, id) end
    guess = guess and cmsgpack.unpack(guess) or {0, {}}
    for _, key in ipairs(guess[2]) do
      counted[key] = true
      add_to_budget(key, cost - guess[1], 0, id)
    end
  end
  for _, key in ipairs(keys) do
    if not counted[key] then add_to_budget(key, cost, 0, id) end
  end
end

-- {key, microseconds a token, tokens of a full bucket, tokens to take (or to give back)}
local function correct_tokens(policies, at)
  for _, policy in ipairs(policies) do
    local each, most = policy[2], policy[3]
    local full_at = tonumber(redis.call('GET', policy[1]) or 0)
    local lacks = math.min(math.max(full_at - at, 0), each * most) + each * policy[4]
    fill(policy[1], math.max(math.min(lacks, each * most), 0), at)
  end
end

-- {breaker, what came of it (`good`, `bad`, `none`, `pause`), microseconds to pause, or jitter}
local function report(id, said, at)
  if said[2] == 'pause' then
    pause_breaker(said[1], at, id, said[3])
  else
    local good, bad = said[2] == 'good' and 1 or 0, said[2] == 'bad' and 1 or 0
    judge_breaker(said[1], at, id, good, bad, said[3])
  end
end

local function settle(note, executor, at)
  settle_money(note[1], note[6] ~= '' and note[6] or executor, note[2], note[3], note[6] ~= '')
  correct_tokens(note[4], at)
  if #note[5] > 0 then report(note[1], note[5], at) end
end

-- {executor, sequence, notes, {breaker, good calls}s, late holds}; attached: the records.
local function take_notes(batch, attached, at)
  local last = 'notes:' .. batch[1]
  if tonumber(redis.call('GET', last) or 0) >= batch[2] then return {'again'} end
  for _, record in ipairs(attached) do records[#records + 1] = record end
  for _, open in ipairs(batch[5]) do hold_late(batch[1], open) end
  local failed = {}
  for _, note in ipairs(batch[3]) do
    local fine, problem = pcall(settle, note, batch[1], at)
    if not fine then failed[#failed + 1] = tostring(problem) end
  end
  for _, good in ipairs(batch[4]) do judge_breaker(good[1], at, '', good[2], 0, 0) end
  redis.call('SET', last, batch[2], 'EX', DAY)
  return {'done', failed}
end
