-- name: limit_session
-- Bound every wait of a new session, so that a stuck caller cannot hold the fence.
select set_config('lock_timeout', %(lock_ms)s || 'ms', false),
       set_config('statement_timeout', %(longest_ms)s || 'ms', false),
       set_config('idle_in_transaction_session_timeout', %(longest_ms)s || 'ms', false),
       set_config('mazevault.longest_transaction', %(longest_ms)s || ' milliseconds', false),
       -- A generic plan guesses a tenth of the table behind `limit` and scans all of it.
       set_config('plan_cache_mode', 'force_custom_plan', false)

-- name: read_clock
-- The database's clock and its timeline; fails on a server in recovery, where nothing can be written.
select clock_timestamp() as now,
       substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) as timeline

-- name: is_writable
-- Whether the session can write at all.
select not pg_is_in_recovery() and current_setting('transaction_read_only') = 'off' as writable

-- name: applied_migrations
-- Which migrations the database has.
select version, phase, name, checksum, applied_at from schema_migrations order by version

-- name: replication
-- Whether this is a standby, how many replicas follow it, and how far the slowest is behind (null: may not be read).
select pg_is_in_recovery() as is_standby,
       count(pid)::int as replicas,
       case when pg_is_in_recovery() then extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())
            -- An idle replica reports no lag although it is level: then what it has replayed decides.
            when count(pid) = count(pid) filter (where replay_lsn >= pg_current_wal_lsn()) and count(pid) > 0 then 0
            else max(extract(epoch from replay_lag)) end as lag_s
from pg_stat_replication
