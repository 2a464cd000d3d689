"""Lets gateways live and die with their clusters, as Kubernetes would."""

from __future__ import annotations

import threading
from typing import Protocol

import httpx2

LISTENS_S = 1.0


class OnChange(Protocol):
    """Hears of a cluster that came up or began to go down."""

    def __call__(self, cluster: str, *, runs: bool) -> None:
        """Act on it; `cluster` is a resource id."""


class ClusterWatch:
    """Follows the fake Resource Manager's events in a thread of its own."""

    def __init__(self, arm_http_url: str, on_change: OnChange) -> None:
        self._url, self._on_change = f"{arm_http_url}/_lab/events", on_change
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="clusters", daemon=True)

    def start(self) -> None:
        """Begin with the first event there ever was."""
        self._thread.start()

    def stop(self) -> None:
        """End; takes as long as one request may wait."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _follow(self) -> None:
        seen = 0
        with httpx2.Client(timeout=LISTENS_S + 10, trust_env=False) as http:
            while not self._stopping.is_set():
                try:
                    answer = http.get(self._url, params={"after": seen, "wait": LISTENS_S})
                except httpx2.HTTPError:
                    self._stopping.wait(0.2)
                    continue
                for event in answer.json()["events"]:
                    seen = max(seen, int(event["seq"]))
                    if event["power"] == "Running" and event["provisioning"] == "Succeeded":
                        self._on_change(event["cluster"], runs=True)
                    elif event["power"] == "Stopped" or event["provisioning"] == "Stopping":
                        self._on_change(event["cluster"], runs=False)
