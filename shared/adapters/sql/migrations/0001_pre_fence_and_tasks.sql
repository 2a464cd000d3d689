-- The fence mirror, the copies of gateway status, rotation configs and tasks.
-- Every instant is PostgreSQL's clock. Tokens are nanoseconds since 1970 or more and fit bigint until 2262.

create table environment_fence (
    environment        text primary key,
    fencing_token      bigint not null check (fencing_token > 0),
    holder             text,
    lease_until        timestamptz,
    not_before         timestamptz,
    validated_timeline text not null,
    raised_at          timestamptz not null default clock_timestamp()
) with (fillfactor = 50);

comment on table environment_fence is 'PostgreSQL''s copy of each environment lock, and the holder''s lease';
comment on column environment_fence.lease_until is 'null: no lease was granted under this token';
comment on column environment_fence.not_before is 'nobody gets a lease earlier; null: no former lease to wait for';
comment on column environment_fence.validated_timeline is
    'the timeline on which a transaction that itself read the authority last confirmed this row';

-- The last line of defence: whatever a statement or an operator tries, the fence never falls.
create function refuse_to_lower_the_fence() returns trigger language plpgsql as $$
begin
    if tg_op <> 'UPDATE' then
        raise exception 'rows of environment_fence are never removed: the token must rise for ever';
    end if;
    if new.environment <> old.environment then
        raise exception 'a fence belongs to one environment';
    end if;
    if new.fencing_token < old.fencing_token then
        raise exception 'fencing token of % must not fall from % to %',
            old.environment, old.fencing_token, new.fencing_token;
    end if;
    if new.holder is distinct from old.holder and new.fencing_token = old.fencing_token then
        raise exception 'another holder of % needs a higher fencing token', old.environment;
    end if;
    if old.not_before is not null and (new.not_before is null or new.not_before < old.not_before) then
        raise exception 'not_before of % must not fall', old.environment;
    end if;
    if new.fencing_token = old.fencing_token and old.lease_until is not null
       and (new.lease_until is null or new.lease_until < old.lease_until) then
        raise exception 'the lease of % must not get shorter under one token', old.environment;
    end if;
    return new;
end
$$;

create trigger fence_never_falls before update or delete on environment_fence
    for each row execute function refuse_to_lower_the_fence();
create trigger fence_is_never_emptied before truncate on environment_fence
    for each statement execute function refuse_to_lower_the_fence();

create table gateway_status (
    gateway_id        text primary key,
    environment       text not null,
    role              text not null check (role in ('primary', 'dr-standby')),
    tenant_id         text not null,
    object_id         text not null,
    region            text not null,
    version           text not null,
    registered_at     timestamptz not null,
    activation_status text not null check (activation_status in ('active', 'standby', 'failed'))
) with (fillfactor = 50);

comment on table gateway_status is 'copies of registration and status, for the time the authority does not answer';

create unique index gateway_status_one_active on gateway_status (environment) where activation_status = 'active';

create table rotation_configs (
    id            text primary key,
    environment   text not null,
    name          text not null,
    on_lost_owner text not null check (on_lost_owner in ('requeue', 'hold')),
    max_attempts  integer not null check (max_attempts >= 1),
    payload       jsonb not null
);

create table tasks (
    id            text primary key,
    environment   text not null,
    config_id     text not null references rotation_configs (id),
    request_key   text not null,
    status        text not null default 'pending'
                  check (status in ('pending', 'running', 'succeeded', 'failed', 'in_doubt')),
    attempt       integer not null default 0 check (attempt >= 0),
    fencing_token bigint,
    gateway_id    text,
    payload       jsonb not null,
    result        jsonb not null default '{}',
    created_at    timestamptz not null default clock_timestamp(),
    claimed_at    timestamptz,
    progressed_at timestamptz,
    completed_at  timestamptz,
    unique (config_id, request_key),
    -- A claim is whole or absent, and stays on the task after its end: who did it, under which token.
    check (num_nulls(fencing_token, gateway_id, claimed_at, progressed_at) in (0, 4)),
    check ((status = 'pending') = (fencing_token is null)),
    check (status = 'pending' or attempt >= 1),
    check ((status in ('succeeded', 'failed')) = (completed_at is not null))
) with (fillfactor = 80);

comment on column tasks.request_key is 'what makes queueing idempotent within a config; the work''s own key is the id';
comment on column tasks.result is 'what the gateway reported last';

-- The claim orders by these columns; no other index may serve it, or the planner steps over every finished task.
create index tasks_to_claim on tasks (environment, created_at, id) where status = 'pending';
create index tasks_running on tasks (environment, id) where status = 'running';
create index tasks_of_gateway on tasks (environment, gateway_id, created_at desc, id desc);

create table task_claims (
    task_id       text not null references tasks (id),
    attempt       integer not null,
    environment   text not null,
    fencing_token bigint not null,
    gateway_id    text not null,
    claimed_at    timestamptz not null,
    primary key (task_id, attempt)
);

comment on table task_claims is 'every claim ever made; a claim that was handed back is no longer on its task';

create index task_claims_by_token on task_claims (environment, fencing_token);

-- Where a running task goes when its gateway is lost or silent (runbook section 3).
create function status_after_loss(attempt integer, on_lost_owner text, max_attempts integer)
    returns text language sql immutable as $$
    select case
        when on_lost_owner = 'hold' then 'in_doubt'
        when attempt < max_attempts then 'pending'
        else 'failed'
    end
$$;

-- No transaction that changed a task commits later than its session's limit after it began. Whoever cannot reach
-- this database may therefore wait that long and know that nothing begun before can still land.
create function refuse_to_commit_late() returns trigger language plpgsql as $$
declare
    longest constant interval := nullif(current_setting('mazevault.longest_transaction', true), '')::interval;
begin
    if clock_timestamp() - transaction_timestamp() > longest then
        raise exception 'the transaction is older than % and must not commit', longest
            using errcode = 'query_canceled';
    end if;
    return null;
end
$$;

create constraint trigger task_changes_commit_in_time after insert or update on tasks
    deferrable initially deferred for each row execute function refuse_to_commit_late();
