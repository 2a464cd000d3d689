"""Waits for something to happen without holding the worker's thread: looks again and again, and gives up in time."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

T = TypeVar("T")

LOOK_S: Final = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
"""How soon the next look follows; the last one repeats. A look costs one read of a store."""


async def look_until(
    is_enough: Callable[[T], bool], look: Callable[[], T], *, wait_s: float, looks_s: Sequence[float] = LOOK_S
) -> T:
    """Return the first look that is enough, or the last one before `wait_s` is over.

    `look` may block: it runs in a thread. What it raises ends the wait. `looks_s` is how soon each look follows.
    """
    ends = asyncio.get_running_loop().time() + wait_s
    pauses, pause_s = iter(looks_s), looks_s[-1]
    while True:
        seen = await asyncio.to_thread(look)
        left_s = ends - asyncio.get_running_loop().time()
        if is_enough(seen) or left_s <= 0:
            return seen
        pause_s = next(pauses, pause_s)
        await asyncio.sleep(min(pause_s, left_s))
