"""Ids from time and chance."""

import secrets
from datetime import UTC

from shared.ports import Clock


class RandomIds:
    """`IdSource` of the running product."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def operation_id(self, environment: str) -> str:
        """Return an id such as `PRO-20261123T201500123Z-a1b2c3`: environment, time to the millisecond, chance.

        The environment is everything before the last two dashes, so it may have dashes itself.
        """
        at = self._clock.now().astimezone(UTC)
        return f"{environment}-{at:%Y%m%dT%H%M%S}{at.microsecond // 1000:03d}Z-{secrets.token_hex(3)}"

    def unique(self) -> str:
        """Return 32 hexadecimal digits that nobody can guess."""
        return secrets.token_hex(16)
