-- name: put_config
-- Create or replace a rotation config; tasks queued before keep their payload.
insert into rotation_configs (id, environment, name, on_lost_owner, max_attempts, payload)
values (%(config_id)s, %(environment)s, %(name)s, %(on_lost_owner)s, %(max_attempts)s, %(payload)s)
on conflict (id) do update
set environment = excluded.environment,
    name = excluded.name,
    on_lost_owner = excluded.on_lost_owner,
    max_attempts = excluded.max_attempts,
    payload = excluded.payload

-- name: read_config
-- One rotation config.
select id, environment, name, on_lost_owner, max_attempts, payload
from rotation_configs
where id = %(config_id)s
