-- What the control plane does with each table, and nothing else: no DELETE anywhere, no DDL, no column that no statement
-- of shared/adapters/sql/queries writes. After every migration, by the role that owns the tables (`make deploy` does it).
-- One transaction: nobody sees the moment between taking and giving.

begin;

revoke all on all tables in schema public from public, gateway_dr_app;
revoke all on all functions in schema public from public, gateway_dr_app;

-- The fence only rises; a trigger refuses what these grants cannot.
grant select, insert on environment_fence to gateway_dr_app;
grant update (fencing_token, holder, lease_until, not_before, validated_timeline, raised_at)
    on environment_fence to gateway_dr_app;

grant select, insert on gateway_status to gateway_dr_app;
grant update (environment, role, tenant_id, object_id, region, version, registered_at, activation_status)
    on gateway_status to gateway_dr_app;

grant select, insert on rotation_configs to gateway_dr_app;
grant update (environment, name, on_lost_owner, max_attempts, payload) on rotation_configs to gateway_dr_app;

-- A task is queued as pending, and what was asked for never changes.
grant select, insert (id, environment, config_id, request_key, payload) on tasks to gateway_dr_app;
grant update (status, attempt, fencing_token, gateway_id, result, claimed_at, progressed_at, completed_at)
    on tasks to gateway_dr_app;

-- History is written once.
grant select, insert on task_claims, task_resolutions, task_requests to gateway_dr_app;

grant select on schema_migrations to gateway_dr_app;
grant execute on function status_after_loss(integer, text, integer) to gateway_dr_app;

commit;
