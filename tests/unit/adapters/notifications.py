"""Notifications, destinations and receivers for the tests of the adapter."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from shared.adapters.receivers import HttpReceivers
from shared.config import Settings
from shared.domain.notifications import Channel, ChannelKind, Notification, Outgoing, Severity, Signal
from shared.ports.notifications import Destination

T0 = datetime(2026, 11, 23, 20, 15, tzinfo=UTC)
TOLD = Notification(
    id="PRO:event:7",
    environment="PRO",
    at=T0,
    severity=Severity.CRITICAL,
    signal=Signal.OPEN,
    incident="PRO:primary-failed:3",
    type="gateway.failed",
    subject="gw-pro-primary",
    sentence="The primary gateway of PRO is marked failed: silent since 20:09Z.",
    next_action="Fail over: POST /api/v1/admin/failover/PRO/activate-dr (runbook 1.4).",
    sequence=7,
    facts={"Missed heartbeats": "3", "Holder": "gw-pro-primary"},
    data={"missed": 3, "verdict": "failed"},
)
SECRET = "a-secret-of-more-than-24-bytes"


class SystemTime:
    """The real time, which the receivers compare with theirs."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def unix_ns(self) -> int:
        return int(self.now().timestamp() * 1e9)


def destination(
    kind: ChannelKind, url: str, *, secret: str = SECRET, room: str | None = None, name: str = ""
) -> Destination:
    return Destination(channel=Channel(name=name or kind.value, kind=kind), url=url, secret=secret, room=room)


def receivers(*destinations: Destination, public_url: str | None = "https://dr.example.com") -> HttpReceivers:
    return HttpReceivers(destinations, clock=SystemTime(), public_url=public_url)


def of_the_lab(channels: str) -> HttpReceivers:
    """Return receivers for a value of MVDR_NOTIFICATION_CHANNELS, read the way the product reads it."""
    settings = Settings.from_env(
        {
            "MVDR_ENVIRONMENTS": '{"PRO": {"dr_cluster": "/subscriptions/s/resourceGroups/r/providers/'
            'Microsoft.ContainerService/managedClusters/c"}}',
            "MVDR_DATABASE_URL": "postgresql://db", "MVDR_TABLES_CONNECTION_STRING": "UseDevelopmentStorage=true",
            "MVDR_AUTH_ISSUER": "i", "MVDR_AUTH_AUDIENCE": "a", "MVDR_AUTH_TENANT_ID": "t", "MVDR_AUTH_JWKS_URL": "j",
            "MVDR_NOTIFICATION_CHANNELS": channels,
        }
    )  # fmt: skip
    return receivers(*settings.destinations())


def going(channel: Channel, thread: str | None = None, **changes: Any) -> Outgoing:
    return Outgoing(channel=channel, notification=replace(TOLD, **changes), thread=thread)


class Line:
    """A receiver that says whatever it is told to, byte by byte, and counts."""

    def __init__(self, url: str, received: list[bytes]) -> None:
        self.url = url
        self.received = received


@contextmanager
def line(speak: Callable[[socket.socket], None]) -> Iterator[Line]:
    """Give a TCP server on loopback that reads one request per connection and then calls `speak`."""
    received: list[bytes] = []
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        with connection:
            try:
                received.append(_request(connection))
                speak(connection)
            except OSError:
                pass  # the other end had enough

    def accept() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=serve, args=(connection,)))
            threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield Line(f"http://127.0.0.1:{server.getsockname()[1]}", received)
        finally:
            server.shutdown(socket.SHUT_RDWR)  # closing alone would leave the thread in accept
    accepting.join()
    for thread in threads:
        thread.join()


def _request(connection: socket.socket) -> bytes:
    raw = b""
    while b"\r\n\r\n" not in raw:
        if not (piece := connection.recv(65536)):
            return raw
        raw += piece
        if raw.startswith(b"\x16"):  # a TLS handshake, which has no end that this server knows
            return raw
    head, _, body = raw.partition(b"\r\n\r\n")
    length = next(int(one.split(b":")[1]) for one in head.split(b"\r\n") if one.lower().startswith(b"content-length:"))
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def plain(status: int, *headers: str, body: bytes = b"") -> Callable[[socket.socket], None]:
    """Return a speaker of one ordinary answer."""
    head = "".join(f"{header}\r\n" for header in headers)
    answer = f"HTTP/1.1 {status} X\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    return lambda connection: connection.sendall(answer)
