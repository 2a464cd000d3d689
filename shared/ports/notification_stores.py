"""What is kept about notifications in Table Storage, as the steps see it. Raises as the stores of `records`."""

from collections.abc import Collection, Sequence
from typing import Protocol

from shared.domain.locks import Versioned
from shared.domain.notification_cursors import Delivery, NotificationCursor


class NotificationCursorStore(Protocol):
    """How far each channel is in each environment's timeline, in Table Storage."""

    def read_all(self, environments: Collection[str]) -> Sequence[Versioned[NotificationCursor]]:
        """Return the cursors of these environments in one request, by environment and channel."""

    def insert(self, cursor: NotificationCursor) -> Versioned[NotificationCursor]:
        """Create the cursor. Raises Conflict when it exists."""

    def replace(self, cursor: NotificationCursor, *, etag: str) -> Versioned[NotificationCursor]:
        """Replace the cursor read at `etag`. Raises Conflict on any other version."""


class NotificationDeliveryStore(Protocol):
    """The log of attempts, by channel, in Table Storage: added, never changed."""

    def insert(self, delivery: Delivery) -> None:
        """Log an attempt. Raises Conflict when this one is logged already."""

    def newest(self, channel: str, *, limit: int) -> Sequence[Delivery]:
        """Return the newest attempts of a channel, newest first."""
