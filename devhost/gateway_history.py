"""What a gateway of the lab did, written down so that a checker can judge later whether it should have."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path

from gateway_agent import ClaimedTask


class History:
    """Appends one JSON line for each claim, effect and completion. Gateways may share a file.

    Members: `kind` (`claim`, `effect`, `complete`, `dropped`), `gateway`, `boot_id`, `task_id`, `attempt`,
    `fencing_token`, `idempotency_key`, `monotonic_ns` (comparable between processes of one machine), `at`, `outcome`,
    and `reason` where there is one.
    """

    def __init__(self, file: Path | None, *, gateway_id: str, boot_id: str) -> None:
        """Without a file nothing is kept."""
        self._file = file
        self._who = {"gateway": gateway_id, "boot_id": boot_id}

    def note(self, kind: str, task: ClaimedTask, *, outcome: str, reason: str = "") -> None:
        """Append a line; a process killed right afterwards has written it. Raises OSError."""
        if self._file is None:
            return
        line = {
            "kind": kind,
            **self._who,
            "task_id": task.id,
            "attempt": task.attempt,
            "fencing_token": str(task.fencing_token),
            "idempotency_key": task.idempotency_key,
            "outcome": outcome,
            **({"reason": reason} if reason else {}),
            "monotonic_ns": time.monotonic_ns(),
            "at": datetime.now(UTC).isoformat(),
        }
        self._file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            # One write to a file opened for appending: lines of two gateways do not mix.
            os.write(descriptor, json.dumps(line).encode() + b"\n")
        finally:
            os.close(descriptor)
