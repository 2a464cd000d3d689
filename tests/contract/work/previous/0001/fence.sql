-- name: read_fence
-- The mirror as it is now, without a lock.
select environment, fencing_token, holder, lease_until, not_before, validated_timeline
from environment_fence
where environment = %(environment)s

-- name: lock_fence_for_work
-- The mirror, kept from being raised until the transaction ends; workers do not hinder each other.
select environment, fencing_token, holder, lease_until, not_before, validated_timeline
from environment_fence
where environment = %(environment)s
for share

-- name: lock_fence_for_lease
-- The mirror, for a transaction that will extend the lease in it.
select environment, fencing_token, holder, lease_until, not_before, validated_timeline
from environment_fence
where environment = %(environment)s
for no key update

-- name: lock_fence_for_raise
-- The mirror, once every open guarded transaction has ended.
select environment, fencing_token, holder, lease_until, not_before, validated_timeline
from environment_fence
where environment = %(environment)s
for update

-- name: lock_missing_fence
-- Let one transaction at a time find out that an environment has no mirror yet.
select pg_advisory_xact_lock(hashtextextended('environment_fence ' || %(environment)s, 0))

-- name: insert_fence
-- The first mirror of an environment.
insert into environment_fence (environment, fencing_token, holder, validated_timeline)
values (%(environment)s, %(token)s, %(holder)s, %(timeline)s)

-- name: raise_fence
-- Raise the fence: a higher token, its holder, and no lease yet.
update environment_fence
set fencing_token = %(token)s,
    holder = %(holder)s,
    lease_until = null,
    not_before = %(not_before)s,
    validated_timeline = %(timeline)s,
    raised_at = clock_timestamp()
where environment = %(environment)s
  and fencing_token < %(token)s

-- name: validate_timeline
-- Confirm the mirror on the timeline the database runs on now.
update environment_fence
set validated_timeline = %(timeline)s,
    not_before = %(not_before)s
where environment = %(environment)s
  and fencing_token = %(token)s

-- name: extend_lease
-- Grant or extend the lease of the holder; a lease never gets shorter.
update environment_fence
set lease_until = greatest(lease_until, clock_timestamp() + make_interval(secs => %(lease_s)s))
where environment = %(environment)s
  and fencing_token = %(token)s
  and holder = %(gateway_id)s
  and (not_before is null or not_before <= clock_timestamp())
