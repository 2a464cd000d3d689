-- name: claim_tasks
-- Give the oldest pending tasks to the holder, if its token and lease stand at this very moment.
with picked as (
    select id from tasks
    where environment = %(environment)s and status = 'pending'
    order by created_at, id
    limit %(limit)s
    for update skip locked
),
claimed as (
    update tasks
    set status = 'running',
        fencing_token = fence.fencing_token,
        gateway_id = fence.holder,
        attempt = tasks.attempt + 1,
        claimed_at = moment.now,
        progressed_at = moment.now
    from picked, environment_fence as fence, (select clock_timestamp() as now) as moment
    where tasks.id = picked.id
      and tasks.status = 'pending'
      and fence.environment = %(environment)s
      and fence.fencing_token = %(token)s
      and fence.holder = %(gateway_id)s
      and (fence.not_before is null or fence.not_before <= moment.now)
      and fence.lease_until > moment.now
    returning tasks.*
),
noted as (
    insert into task_claims (task_id, attempt, environment, fencing_token, gateway_id, claimed_at)
    select id, attempt, environment, fencing_token, gateway_id, claimed_at from claimed
)
select * from claimed order by created_at, id

-- name: report_task
-- Record progress or the end of the claim the caller has, if its token and lease stand at this very moment.
update tasks
set status = %(status)s,
    result = %(result)s,
    progressed_at = moment.now,
    completed_at = case when %(status)s = 'running' then null else moment.now end
from environment_fence as fence, (select clock_timestamp() as now) as moment
where tasks.id = %(task_id)s
  and tasks.environment = %(environment)s
  and tasks.status = 'running'
  and tasks.attempt = %(attempt)s
  and tasks.fencing_token = %(token)s
  and tasks.gateway_id = %(gateway_id)s
  and fence.environment = %(environment)s
  and fence.fencing_token = %(token)s
  and fence.holder = %(gateway_id)s
  and (fence.not_before is null or fence.not_before <= moment.now)
  and fence.lease_until > moment.now
returning tasks.id

-- name: read_task
-- One task of an environment.
select * from tasks where id = %(task_id)s and environment = %(environment)s

-- name: hand_back_lost_tasks
-- Take running tasks from holders of older tokens, as their configs say; part of raising the fence.
with lost as (
    select tasks.id, status_after_loss(tasks.attempt, config.on_lost_owner, config.max_attempts) as status
    from tasks
    join rotation_configs as config on config.id = tasks.config_id
    where tasks.environment = %(environment)s and tasks.status = 'running' and tasks.fencing_token < %(token)s
    order by tasks.id
    for update of tasks
)
update tasks
set status = lost.status,
    fencing_token = case when lost.status <> 'pending' then tasks.fencing_token end,
    gateway_id = case when lost.status <> 'pending' then tasks.gateway_id end,
    claimed_at = case when lost.status <> 'pending' then tasks.claimed_at end,
    progressed_at = case when lost.status <> 'pending' then tasks.progressed_at end,
    completed_at = case when lost.status = 'failed' then clock_timestamp() end,
    result = case when lost.status = 'pending' then '{}' else tasks.result || '{"interrupted": "owner_lost"}' end
from lost
where tasks.id = lost.id and tasks.status = 'running'
returning tasks.status

-- name: expire_tasks
-- Take tasks from gateways that reported nothing for too long; needs no fence, for it gives nobody anything.
with silent as (
    select tasks.id, tasks.attempt,
           status_after_loss(tasks.attempt, config.on_lost_owner, config.max_attempts) as status
    from tasks
    join rotation_configs as config on config.id = tasks.config_id
    where tasks.status = 'running'
      and tasks.progressed_at < clock_timestamp() - make_interval(secs => %(task_timeout_s)s)
    order by tasks.id
    for update of tasks skip locked  -- a locked one is just being reported on
)
update tasks
set status = silent.status,
    fencing_token = case when silent.status <> 'pending' then tasks.fencing_token end,
    gateway_id = case when silent.status <> 'pending' then tasks.gateway_id end,
    claimed_at = case when silent.status <> 'pending' then tasks.claimed_at end,
    progressed_at = case when silent.status <> 'pending' then tasks.progressed_at end,
    completed_at = case when silent.status = 'failed' then clock_timestamp() end,
    result = case when silent.status = 'pending' then '{}' else tasks.result || '{"interrupted": "no_progress"}' end
from silent
where tasks.id = silent.id and tasks.status = 'running' and tasks.attempt = silent.attempt
returning tasks.*

-- name: count_tasks
-- How many tasks of an environment have a status.
select count(*) as tasks from tasks where environment = %(environment)s and status = %(status)s

-- name: count_unfinished
-- Tasks that have not ended, by environment; one select per status, since each has an index of its own.
select environment, 'pending' as status, count(*) as tasks,
       extract(epoch from clock_timestamp() - min(created_at)) as oldest_s
from tasks where status = 'pending' group by environment
union all
select environment, 'running', count(*), null from tasks where status = 'running' group by environment
union all
select environment, 'in_doubt', count(*), null from tasks where status = 'in_doubt' group by environment

-- name: count_claimed_under
-- How many tasks were ever claimed under a token.
select count(distinct task_id) as tasks
from task_claims
where environment = %(environment)s and fencing_token = %(token)s

-- name: list_tasks
-- Tasks a gateway claimed, newest first.
select * from tasks
where environment = %(environment)s
  and gateway_id = %(gateway_id)s
  and (%(status)s::text is null or status = %(status)s)
  and (%(after_at)s::timestamptz is null or (created_at, id) < (%(after_at)s, %(after_id)s::text))
order by created_at desc, id desc
limit %(limit)s

-- name: list_tasks_of_holder
-- Tasks the holder claimed and those nobody has claimed yet, newest first.
select * from tasks
where environment = %(environment)s
  and (gateway_id = %(gateway_id)s or status = 'pending')
  and (%(status)s::text is null or status = %(status)s)
  and (%(after_at)s::timestamptz is null or (created_at, id) < (%(after_at)s, %(after_id)s::text))
order by created_at desc, id desc
limit %(limit)s

-- name: insert_task
-- Queue one execution, unless the same request has queued it before.
insert into tasks (id, environment, config_id, request_key, payload)
values (%(task_id)s, %(environment)s, %(config_id)s, %(request_key)s, %(payload)s)
on conflict (config_id, request_key) do nothing
returning *

-- name: read_requested_task
-- The task a request has queued before.
select * from tasks where config_id = %(config_id)s and request_key = %(request_key)s

-- name: note_request
-- Keep which request a key came with first.
insert into task_requests (environment, request_key, config_id, digest)
values (%(environment)s, %(request_key)s, %(config_id)s, %(digest)s)
on conflict (environment, request_key) do nothing
returning config_id, digest

-- name: read_request
-- Which request a key came with first.
select config_id, digest from task_requests
where environment = %(environment)s and request_key = %(request_key)s

-- name: page_of_tasks
-- One page of tasks of one environment or of all, newest first, after the task the page before ended with.
select * from tasks
where (%(environment)s::text is null or environment = %(environment)s)
  and (%(status)s::text is null or status = %(status)s)
  and (%(after_at)s::timestamptz is null or (created_at, id) < (%(after_at)s, %(after_id)s::text))
order by created_at desc, id desc
limit %(limit)s
