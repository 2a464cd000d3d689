"""A control plane on loopback that says what a test wants it to say, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

Answer: TypeAlias = tuple[int, dict[str, Any]]
INTERVAL_S, LEASE_S, MARGIN_S = 0.1, 1.0, 0.1


def problem(reason: str, status: int = 409) -> Answer:
    return status, {"code": "WriteRefused", "reason": reason, "message": f"refused: {reason}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request."""

    call: str  # `register`, `heartbeat`, `claim`, `progress`, `complete`
    body: dict[str, Any]
    authorization: str
    at_s: float


@dataclass
class FakeControlPlane:
    """The answers, to be changed while it runs. `answers[call]` takes the place of the usual answer to a call."""

    url: str = ""
    token: int | None = 7
    status: str = "active"
    lease_s: float | None = LEASE_S
    draining: bool = False
    canary: dict[str, Any] | None = None
    interval_s: float = INTERVAL_S
    tasks: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[str, Callable[[dict[str, Any]], Answer]] = field(default_factory=dict)
    delay_of_heartbeat_s: Callable[[int], float] = lambda _: 0.0
    asked: list[Asked] = field(default_factory=list)

    def calls(self, call: str) -> list[Asked]:
        return [one for one in self.asked if one.call == call]

    def give_task(self, name: str, *, attempt: int = 1) -> None:
        self.tasks.append(
            {
                "id": name,
                "config_id": "cfg",
                "attempt": attempt,
                "fencing_token": str(self.token),
                "idempotency_key": f"key-{name}",
                "payload": {},
                "claimed_at": "2026-01-01T00:00:00Z",
            }
        )

    def take_away(self) -> None:
        """Another gateway holds the environment now: this one is a standby, and its writes are refused."""
        self.token, self.status, self.lease_s = None, "standby", None
        for call in ("claim", "progress", "complete"):
            self.answers[call] = lambda _: problem("not_holder")

    def answer(self, call: str, body: dict[str, Any]) -> Answer:
        if call in self.answers:
            return self.answers[call](body)
        if call == "register":
            policy = {
                "heartbeat_interval_seconds": self.interval_s,
                "request_timeout_seconds": 1.0,
                "lease_seconds": LEASE_S,
                "gateway_margin_seconds": MARGIN_S,
            }
            named = {"id": "gw", "environment": body["environment"], "role": body["role"]}
            return 200, {**named, "activation_status": "standby", "policy": policy}
        if call == "heartbeat":
            time.sleep(self.delay_of_heartbeat_s(body["sequence"]))
            return 200, {
                "id": "gw",
                "sequence": body["sequence"],
                "activation_status": self.status,
                "fencing_token": None if self.token is None else str(self.token),
                "lease_seconds": self.lease_s,
                "lease_refusal": None if self.lease_s else "not_before",
                "draining": self.draining,
                "canary": self.canary,
                "heartbeat_interval_seconds": self.interval_s,
            }
        if call == "claim":
            given, self.tasks = self.tasks[: body["limit"]], self.tasks[body["limit"] :]
            return 200, {"tasks": given}
        return 200, {"outcome": "accepted"}


@contextmanager
def control_plane() -> Iterator[FakeControlPlane]:
    """Give a running control plane; it has ended when this is left."""
    fake = FakeControlPlane()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            call = self.path.rsplit("/", 1)[-1]
            authorization = self.headers.get("authorization", "")
            fake.asked.append(Asked(call=call, body=body, authorization=authorization, at_s=time.monotonic()))
            status, content = fake.answer(call, body)
            text = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # a client that went away

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def eventually(is_so: Callable[[], object], *, within_s: float = 8.0) -> None:
    """Return as soon as something is so; fail when it is not in time."""
    gives_up_at_s = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < gives_up_at_s, "it did not come about"
        time.sleep(0.01)
