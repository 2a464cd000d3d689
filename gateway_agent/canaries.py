"""Canaries: carries out the disposable rotation that a drill asks for, beside the heartbeats and at most once."""

import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from gateway_agent.answers import CanaryOrder
from gateway_agent.client import ControlPlane, NoAnswer
from gateway_agent.events import Events

Rotate: TypeAlias = Callable[[CanaryOrder], Mapping[str, Any]]
"""Rotates the disposable secret and returns what came of it; whatever it raises is reported as a failure."""

RAISED: Mapping[str, Any] = {"detail": "the rotation raised; the gateway's log says what"}
REPORTS, PAUSE_S = 20, 1.0


class Canaries:
    """Takes each order once. Without `rotate` the gateway says that it cannot, which fails the drill only."""

    def __init__(
        self,
        control_plane: ControlPlane,
        events: Events,
        *,
        environment: str,
        rotate: Rotate | None,
        timeout_s: Callable[[], float],
    ) -> None:
        """`timeout_s` tells how long one request may take."""
        self._control_plane, self._events, self._environment = control_plane, events, environment
        self._rotate, self._timeout_s = rotate, timeout_s
        self._lock = threading.Lock()
        self._taken = ""
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def stop(self, *, within_s: float) -> None:
        """Report nothing more, and wait for a report that is on its way."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(within_s)

    def take(self, order: CanaryOrder) -> None:
        """Begin to carry out an order that is new; returns at once."""
        with self._lock:
            if order.drill_id == self._taken:
                return
            self._taken = order.drill_id
            self._thread = threading.Thread(target=self._carry_out, args=(order,), name="gateway-canary", daemon=True)
            self._thread.start()

    def _carry_out(self, order: CanaryOrder) -> None:
        if self._rotate is None:
            return self._report(order, succeeded=False, result={"detail": "this gateway carries out no canaries"})
        succeeded, result = False, RAISED
        try:
            result = self._rotate(order)
            succeeded = True
        finally:
            # Whatever the rotation raised goes on to the thread's hook, and so into the gateway's log.
            self._report(order, succeeded=succeeded, result=result)
        return None

    def _report(self, order: CanaryOrder, *, succeeded: bool, result: Mapping[str, Any]) -> None:
        self._events.tell("canary.ended", drill_id=order.drill_id, succeeded=succeeded, result=dict(result))
        body = {"environment": self._environment, "succeeded": succeeded, "result": dict(result)}
        for _ in range(REPORTS):
            if self._stopping.is_set():
                return
            try:
                self._control_plane.report_canary(order.drill_id, body, timeout_s=self._timeout_s())
            except NoAnswer as error:
                self._stopping.wait(max(PAUSE_S, error.retry_after_s or 0.0))
            else:
                return  # taken, or refused: the drill has ended
