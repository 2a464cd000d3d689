-- The two managed identities as principals of the server, and the two roles they act as.
--
-- Once, by the server's Entra administrator, in the database `postgres`: the functions pgaadauth_* exist only there.
--   psql "host=SERVER dbname=postgres user=ADMIN sslmode=require" --set=ON_ERROR_STOP=1 \
--     --set=app_name=NAME --set=app_object_id=ID --set=migrator_name=NAME --set=migrator_object_id=ID \
--     --file=infra/sql/principals.sql
-- The names are those of the identities; the object ids bind them, since names are not unique in Entra.
-- Source: Azure Database for PostgreSQL, "Manage Microsoft Entra roles": name, object id, kind, administrator, MFA.

select pgaadauth_create_principal_with_oid(:'app_name', :'app_object_id', 'service', false, false)
where not exists (select from pg_roles where rolname = :'app_name');

select pgaadauth_create_principal_with_oid(:'migrator_name', :'migrator_object_id', 'service', false, false)
where not exists (select from pg_roles where rolname = :'migrator_name');

\ir roles.sql

grant gateway_dr_app to :"app_name";
grant gateway_dr_owner to :"migrator_name";
