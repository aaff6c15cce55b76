-- Notes are applied once each: `sequence` counts the batches of an executor, and one that comes
-- again (its answer was lost) is known by it.

-- Of a call that nobody could be asked about when it began: {id, amount, budget keys}. A budget
-- that is cold takes it from its record.
local function hold_late(executor, open)
  local id, amount, keys = open[1], open[2], open[3]
  if value_of(holds_of(executor), id) then return end
  local held = {}
  for _, key in ipairs(keys) do
    if budget_of(key).s then
      add_to_budget(key, 0, amount, id)
      held[#held + 1] = key
    end
  end
  if #held > 0 then keep_value(holds_of(executor), id, cmsgpack.pack({amount, held, {}, ''})) end
end

-- A `lost` call is settled by another process, with a guess that stays known for as long as its
-- owner may turn out to live. `keys` are the budgets it fell under when it began.
local function settle_money(id, executor, cost, keys, lost)
  local hold = take_value(holds_of(executor), id)
  local counted = {}
  if hold then
    local said, request = said_in(hold)
    counted = said.counted
    free_slots(said[3], request)
    for _, key in ipairs(said[2]) do add_to_budget(key, cost, -said[1], id) end
    if lost then
      local swept = hash_of('swept:' .. executor)
      keep_value(swept, id, cmsgpack.pack({cost, said[2]}))
      put(swept, 'expires', true)
    end
  elseif not lost then
    local guess = take_value(hash_of('swept:' .. executor), id)
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

-- Of each bucket, {key, microseconds a token, tokens if full}, the tokens to take (or to give back).
local function correct_tokens(buckets, tokens, at)
  read_buckets(buckets)
  for i, bucket in ipairs(buckets) do
    if tokens[i] ~= 0 then
      local each, most = bucket[2], bucket[3]
      local lacks = math.min(math.max(full_at[bucket[1]] - at, 0), each * most) + each * tokens[i]
      fill(bucket[1], math.max(math.min(lacks, each * most), 0), at)
    end
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

-- A note is {id, cost, place of its terms, tokens of each bucket, report, lost executor or ''}; terms
-- are {keys of budgets, buckets}.
local function settle(note, all_terms, executor, at)
  local id, cost, terms, lost = note[1], note[2], all_terms[note[3]], note[6] ~= ''
  settle_money(id, lost and note[6] or executor, cost, terms[1], lost)
  correct_tokens(terms[2], note[4], at)
  if #note[5] > 0 then report(id, note[5], at) end
end

local applied = {}

local function last_applied(executor)
  applied[executor] = applied[executor] or tonumber(redis.call('GET', 'notes:' .. executor) or 0)
  return applied[executor]
end

-- Read at once what the notes of this executor's own calls will ask for.
local function read_holds(executor, notes)
  local ids, requests = {}, {}
  for _, note in ipairs(notes) do
    if note[6] == '' then ids[#ids + 1] = note[1] end
  end
  local holds = holds_of(executor)
  read_values(holds, ids)
  for _, id in ipairs(ids) do
    local hold = holds.values[id]
    if hold then
      local said, request = said_in(hold)
      for _, key in ipairs(said[3]) do
        requests[key] = requests[key] or {}
        requests[key][#requests[key] + 1] = request
      end
    end
  end
  for key, found in pairs(requests) do read_attempts(key, found) end
end

-- {executor, sequence, notes, {breaker, good calls}s, late holds, terms}; attached: the records.
local function take_notes(batch, attached, at)
  local executor, sequence, notes = batch[1], batch[2], batch[3]
  if last_applied(executor) >= sequence then return {'again'} end
  for _, row in ipairs(attached) do record(row) end
  read_holds(executor, notes)
  for _, open in ipairs(batch[5]) do hold_late(executor, open) end
  local failed = {}
  for _, note in ipairs(notes) do
    put(starts, note[1], false)
    local fine, problem = attempt(settle, note, batch[6], executor, at)
    if not fine then failed[#failed + 1] = tostring(problem) end
  end
  for _, good in ipairs(batch[4]) do judge_breaker(good[1], at, '', good[2], 0, 0) end
  put(applied, executor, sequence)
  return {'done', failed}
end

local function write_applied()
  for executor, sequence in pairs(applied) do
    redis.call('SET', 'notes:' .. executor, sequence, 'EX', DAY)
  end
  applied = {}
end
