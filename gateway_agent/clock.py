"""The clock leases are counted on."""

import time


def boot_s() -> float:
    """Return seconds since this machine started, the time it was suspended included; never goes back.

    Linux' CLOCK_MONOTONIC, which `time.monotonic` reads, stands still while a machine is suspended (clock_gettime(2)):
    a gateway that wakes up would find as much of its lease left as when it fell asleep.
    """
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()
