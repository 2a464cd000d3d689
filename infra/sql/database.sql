-- Who may enter this database and make something in it. May be repeated. By its owner or an administrator, connected to
-- the control plane's own database, before the first migration.

do $$
begin
    execute format('revoke all on database %I from public', current_database());
    execute format('grant connect on database %I to gateway_dr_owner, gateway_dr_app', current_database());
end
$$;

revoke all on schema public from public;
grant usage, create on schema public to gateway_dr_owner;
grant usage on schema public to gateway_dr_app;
