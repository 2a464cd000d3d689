"""Every state the fence of an environment was ever in, kept by a trigger, with PostgreSQL's own time.

A lease that was granted lasts until its `lease_until`, even after the fence was raised and the column was emptied: the
gateway that got it counts on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg

KEEP_A_LOG = """
create table fence_log (
    id bigint generated always as identity primary key,
    environment text not null, fencing_token bigint not null, holder text, lease_until timestamptz,
    at timestamptz not null default clock_timestamp()
);
create function log_the_fence() returns trigger language plpgsql as $$
begin
    insert into fence_log (environment, fencing_token, holder, lease_until)
    values (new.environment, new.fencing_token, new.holder, new.lease_until);
    return null;
end
$$;
create trigger fence_is_logged after insert or update on environment_fence
    for each row execute function log_the_fence();
"""
READ_IT = """
select fencing_token, holder, lease_until, at from fence_log where environment = %s order by id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FenceState:
    """The fence as one write left it."""

    token: int
    holder: str | None
    lease_until: datetime | None
    at: datetime


def keep_fence_log(database_url: str) -> None:
    """Install the log."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(KEEP_A_LOG)


def fence_log(connection: psycopg.Connection[tuple[object, ...]], environment: str) -> Sequence[FenceState]:
    """Return all states of an environment's fence, oldest first."""
    rows = connection.execute(READ_IT, (environment,)).fetchall()
    return [FenceState(token=t, holder=h, lease_until=u, at=a) for t, h, u, a in rows]  # type: ignore[arg-type]


def tokens_of(states: Sequence[FenceState]) -> list[int]:
    """Return the tokens in the order they were raised, each once for every time it came."""
    return [one.token for index, one in enumerate(states) if index == 0 or states[index - 1].token != one.token]


def shared_leases(states: Sequence[FenceState]) -> list[tuple[FenceState, FenceState]]:
    """Return every two grants of different holders of which the later came before the earlier ended."""
    grants = [one for one in states if one.lease_until is not None]
    return [
        (one, other)
        for index, one in enumerate(grants)
        for other in grants[index + 1 :]
        if one.holder != other.holder and one.lease_until is not None and other.at < one.lease_until
    ]
