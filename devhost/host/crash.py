"""Die on request at a chosen point, to prove that a kill loses nothing.

A *crash file* names the point. Each place that can die asks this module, which looks at the file with one `os.stat`,
and when the point matches deletes the file and sends its own process SIGKILL. The file holds one JSON object:

* `{"activity": NAME, "when": "before" | "returned" | "recorded"}`: before the activity is invoked, after its code
  returned but before the result is committed, or right after the commit;
* `{"orchestrator": NAME, "when": "episode", "n": K}`: right before the commit of that orchestrator's K-th episode
  since the file appeared (K counts from 1, the default);
* `{"point": NAME, "when": "inside", "after": N}`, or the same object under a key `"inside"`: when a place in other
  code that calls `crash_point(NAME)` is passed for the N-th time since the file appeared (N counts from 1, the
  default).

Write the file under another name and rename it: half a file is ignored until it is whole. The environment variable
`DEVHOST_CRASH_FILE` holds its path, so that every process of a local stack can share one; without it nothing dies.
Names compare without regard to case, as Durable names do.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from typing import Any

CRASH_FILE_VARIABLE = "DEVHOST_CRASH_FILE"


class CrashSwitch:
    """Counts how often the point named in the crash file was passed, and dies when its time has come."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: tuple[int, int] | None = None
        self._wanted: dict[str, Any] = {}
        self._passed = 0

    def passing(self, kind: str, name: str, when: str) -> None:
        """Die here if the crash file says so; `kind` is `activity`, `orchestrator` or `point`."""
        path = os.environ.get(CRASH_FILE_VARIABLE)
        if not path:
            return
        with self._lock:
            wanted = self._read(path)
            if str(wanted.get(kind, "")).lower() != name.lower() or wanted.get("when", "inside") != when:
                return
            self._passed += 1
            if self._passed < int(wanted.get("n", wanted.get("after", 1))):
                return
            os.unlink(path)
            os.kill(os.getpid(), signal.SIGKILL)

    def _read(self, path: str) -> dict[str, Any]:
        try:
            stat = os.stat(path)
            identity = (stat.st_ino, stat.st_mtime_ns)
            if identity == self._seen:
                return self._wanted
            with open(path, encoding="utf-8") as file:
                content = json.load(file)
        except FileNotFoundError:
            self._seen, self._wanted = None, {}
            return {}
        except ValueError:
            return {}
        self._seen, self._passed = identity, 0
        self._wanted = content.get("inside", content)
        return self._wanted


# One switch per process: the number of passes belongs to the process that will die.
_SWITCH = CrashSwitch()


def crash_point(name: str) -> None:
    """Die here if the crash file names this point. Costs one `os.stat` when a crash file is configured."""
    _SWITCH.passing("point", name, "inside")


def activity_crash_point(name: str, when: str) -> None:
    """Die here if the crash file names this activity and moment (`before`, `returned`, `recorded`)."""
    _SWITCH.passing("activity", name, when)


def episode_crash_point(orchestrator: str) -> None:
    """Die here if the crash file names this episode of the orchestrator."""
    _SWITCH.passing("orchestrator", orchestrator, "episode")
