-- name: copy_gateway
-- Keep a registration; a known gateway keeps its status, a new one gets what the mirror says.
insert into gateway_status
    (gateway_id, environment, role, tenant_id, object_id, region, version, registered_at, activation_status)
values
    (%(gateway_id)s, %(environment)s, %(role)s, %(tenant_id)s, %(object_id)s, %(region)s, %(version)s,
     %(registered_at)s, %(status_if_new)s)
on conflict (gateway_id) do update
set role = excluded.role,
    tenant_id = excluded.tenant_id,
    object_id = excluded.object_id,
    region = excluded.region,
    version = excluded.version,
    registered_at = excluded.registered_at,
    environment = excluded.environment,
    activation_status = case
        when gateway_status.environment = excluded.environment then gateway_status.activation_status
        else excluded.activation_status
    end

-- name: read_gateway
-- The copy of one registration.
select gateway_id, environment, role, tenant_id, object_id, region, version, registered_at
from gateway_status
where gateway_id = %(gateway_id)s

-- name: lock_statuses
-- The status copies of an environment, for a transaction that brings them up to date.
select gateway_id, activation_status
from gateway_status
where environment = %(environment)s
order by gateway_id
for update

-- name: set_status
-- Set one status copy.
update gateway_status set activation_status = %(status)s where gateway_id = %(gateway_id)s
