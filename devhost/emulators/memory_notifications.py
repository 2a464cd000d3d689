"""The stores of notifications in memory, and receivers that do as they are told."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from devhost.emulators.memory_rows import Fault, MemoryRows, no_fault
from shared.domain.locks import Versioned
from shared.domain.notification_cursors import Delivery, NotificationCursor
from shared.domain.notifications import Answer, Channel, Outgoing, Receipt


class MemoryNotificationCursorStore:
    """`NotificationCursorStore`; its fault points begin with `notification_cursors`."""

    def __init__(self, fault: Fault = no_fault) -> None:
        self.rows: MemoryRows[NotificationCursor] = MemoryRows("notification_cursors", fault)

    def read_all(self, environments: Collection[str]) -> Sequence[Versioned[NotificationCursor]]:
        """Return the cursors of these environments, by environment and channel."""
        return self.rows.read_all(environments)

    def insert(self, cursor: NotificationCursor) -> Versioned[NotificationCursor]:
        """Create the cursor; Conflict when it exists."""
        return self.rows.insert((cursor.environment, cursor.channel), cursor)

    def replace(self, cursor: NotificationCursor, *, etag: str) -> Versioned[NotificationCursor]:
        """Replace the cursor read at `etag`; Conflict on any other version."""
        return self.rows.replace((cursor.environment, cursor.channel), cursor, etag=etag)


class MemoryNotificationDeliveryStore:
    """`NotificationDeliveryStore`; its fault points begin with `notification_deliveries`."""

    def __init__(self, fault: Fault = no_fault) -> None:
        self.rows: MemoryRows[Delivery] = MemoryRows("notification_deliveries", fault)

    def insert(self, delivery: Delivery) -> None:
        """Log an attempt; Conflict when this one is logged already."""
        row = f"{delivery.at.isoformat()}/{delivery.notification_id}/{delivery.attempt}"
        self.rows.insert((delivery.channel, row), delivery)

    def newest(self, channel: str, *, limit: int) -> Sequence[Delivery]:
        """Return the newest attempts of a channel, newest first."""
        logged = [delivery for _, delivery in self.rows.list(channel)]
        return sorted(logged, key=lambda one: one.at, reverse=True)[: max(limit, 0)]


class MemoryReceivers:
    """`Receivers` that keep what they accept; `answer` decides what becomes of each attempt."""

    def __init__(self, *channels: Channel) -> None:
        self._channels = tuple(sorted(channels, key=lambda channel: channel.name))
        self.attempts: list[Outgoing] = []
        self.accepted: list[Outgoing] = []
        self.answer: Callable[[Outgoing], Answer] = lambda _: Answer(receipt=Receipt.ACCEPTED, status=202)

    def channels(self) -> Sequence[Channel]:
        """Return the channels, by name."""
        return self._channels

    def send(self, outgoing: Sequence[Outgoing]) -> Sequence[Answer]:
        """Answer each as told, and keep those that were accepted."""
        answers = []
        for one in outgoing:
            self.attempts.append(one)
            answer = self.answer(one)
            if answer.receipt is Receipt.ACCEPTED:
                self.accepted.append(one)
            answers.append(answer)
        return answers
