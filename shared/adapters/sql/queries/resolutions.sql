-- name: lock_task
-- One task, kept from changing until the transaction ends.
select * from tasks where id = %(task_id)s for update

-- name: read_resolution
-- The newest decision about a task.
select resolution from task_resolutions where task_id = %(task_id)s order by attempt desc limit 1

-- name: resolve_task
-- Leave a task in doubt as a person has decided, and keep the decision with the attempt it was made on.
with noted as (
    insert into task_resolutions (task_id, attempt, resolution, resolved_by, reason)
    values (%(task_id)s, %(attempt)s, %(resolution)s, %(by)s, %(reason)s)
)
update tasks
set status = %(status)s,
    fencing_token = %(token)s,
    gateway_id = %(gateway_id)s,
    claimed_at = %(claimed_at)s,
    progressed_at = %(progressed_at)s,
    completed_at = %(completed_at)s,
    result = %(result)s
where id = %(task_id)s and status = 'in_doubt' and attempt = %(attempt)s
returning *
