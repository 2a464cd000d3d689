"""The machine's clock."""

import time
from datetime import UTC, datetime


class SystemClock:
    """`Clock` of the running product."""

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""
        return datetime.now(UTC)

    def unix_ns(self) -> int:
        """Return nanoseconds since 1970."""
        return time.time_ns()
