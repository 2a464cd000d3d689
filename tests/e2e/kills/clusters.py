"""Lets DR gateways boot when their clusters have started and die when they are stopped, as Kubernetes would."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

import httpx2

DR_CLUSTER = re.compile(r"aks-gateway-(?P<environment>\w+)-dr", re.IGNORECASE)
LISTENS_S = 1.0


class ClusterWatch:
    """Follows the fake Resource Manager's events in a thread of its own."""

    def __init__(self, arm_http_url: str, *, runs: Callable[[str], None], stops: Callable[[str], None]) -> None:
        """Each is called with the name of an environment, whenever its DR cluster is up, and whenever it is down."""
        self._url, self._runs, self._stops = f"{arm_http_url}/_lab/events", runs, stops
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
                answer = http.get(self._url, params={"after": seen, "wait": LISTENS_S})
                for event in answer.json()["events"]:
                    seen = max(seen, int(event["seq"]))
                    found = DR_CLUSTER.search(event["cluster"])
                    if found and (event["power"], event["provisioning"]) == ("Running", "Succeeded"):
                        self._runs(found["environment"].upper())
                    elif found and (event["power"], event["provisioning"]) == ("Stopped", "Succeeded"):
                        self._stops(found["environment"].upper())
