"""Fencing tokens: the number that says whose turn it is, minted in one place."""

from typing import Final, NewType

from shared.domain.faults import InvariantViolation

FencingToken = NewType("FencingToken", int)
"""Nanoseconds since 1970 or more (runbook, overview: "UnixNano"); rises for ever within one environment."""

LARGEST_TOKEN: Final = 2**63 - 1  # PostgreSQL bigint and Edm.Int64


def mint(*, stored: FencingToken | None, mirrored: FencingToken | None, now_unix_ns: int) -> FencingToken:
    """Return a token above every token this environment is known to have had.

    Neither source is enough alone: a clock can step back, and a store can lose its newest write. `now`
    keeps the token unique after a lost write, `stored + 1` and `mirrored + 1` make it rise.

    Args:
        stored: Token in the environment lock, or None before the first grant.
        mirrored: Token in the PostgreSQL mirror, or None when it has none or cannot be asked.
        now_unix_ns: Nanoseconds since 1970 on the control plane's clock.

    Raises:
        InvariantViolation: The result would not fit a signed 64-bit integer (after the year 2262).

    Source: runbook, overview, "Fencing tokens (UnixNano)"; ADR 0002.
    """
    token = max(now_unix_ns, (stored or 0) + 1, (mirrored or 0) + 1)
    if token > LARGEST_TOKEN:
        raise InvariantViolation(f"fencing token {token} does not fit 64 bits")
    return FencingToken(token)
