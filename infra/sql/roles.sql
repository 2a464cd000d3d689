-- What a principal may be: the owner of the schema, or the control plane at work. Neither can log in by itself.
-- May be repeated. Needs CREATEROLE, in any database of the server.

do $$
begin
    if not exists (select from pg_roles where rolname = 'gateway_dr_owner') then
        create role gateway_dr_owner nologin;
    end if;
    if not exists (select from pg_roles where rolname = 'gateway_dr_app') then
        create role gateway_dr_app nologin;
    end if;
end
$$;
