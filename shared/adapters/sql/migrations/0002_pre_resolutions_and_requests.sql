-- What people decide about tasks in doubt, and which request an idempotency key belongs to.
-- Only adds: the release before this one works on, without knowing of either table.

create table task_resolutions (
    task_id     text not null references tasks (id),
    attempt     integer not null,
    resolution  text not null check (resolution in ('done', 'retry', 'give_up')),
    resolved_by text not null,
    reason      text not null,
    resolved_at timestamptz not null default clock_timestamp(),
    primary key (task_id, attempt)
);

comment on table task_resolutions is 'one decision per attempt that was in doubt; the first one stands';

create table task_requests (
    environment text not null,
    request_key text not null,
    config_id   text not null,
    digest      text not null,
    primary key (environment, request_key)
);

comment on table task_requests is 'the request an Idempotency-Key first came with; the task is found by config and key';
comment on column task_requests.digest is 'of the request''s body';

-- People ask for these often and they are few; the index cannot serve the claim.
create index tasks_in_doubt on tasks (environment, created_at desc, id desc) where status = 'in_doubt';
