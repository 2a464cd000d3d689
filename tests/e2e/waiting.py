"""Waits that end as soon as what they wait for is the case, and say what was the case instead when it never is."""

import json
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
POLL_S = 0.1


def eventually(look: Callable[[], T], until: Callable[[T], bool], *, what: str, within_s: float) -> T:
    """Look again and again, and return the first thing seen for which `until` holds.

    Raises AssertionError with the last thing seen, as JSON, when `within_s` have passed.
    """
    gives_up_at = time.monotonic() + within_s
    while True:
        seen = look()
        if until(seen):
            return seen
        if time.monotonic() > gives_up_at:
            raise AssertionError(
                f"waited {within_s:g} s for {what}; last seen:\n{json.dumps(seen, indent=2, default=str)}"
            )
        time.sleep(POLL_S)
