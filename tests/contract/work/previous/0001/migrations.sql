-- name: lock_migrations
-- Let one run at a time migrate; held until the session ends.
select pg_advisory_lock(hashtextextended('mazevault schema_migrations', 0))

-- name: limit_lock_waits
-- Give up rather than queue everybody behind a migration that waits for a table.
select set_config('lock_timeout', %(lock_timeout)s, false)

-- name: create_schema_migrations
-- The list of what was applied.
create table if not exists schema_migrations (
    version    integer primary key,
    phase      text not null check (phase in ('pre', 'post')),
    name       text not null,
    checksum   text not null,
    applied_at timestamptz not null default clock_timestamp()
)

-- name: note_migration
-- Note a migration, in the transaction that applied it.
insert into schema_migrations (version, phase, name, checksum)
values (%(version)s, %(phase)s, %(name)s, %(checksum)s)
