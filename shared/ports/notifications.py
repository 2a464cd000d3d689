"""The receivers of notifications as the steps see them."""

from collections.abc import Sequence
from typing import Protocol

from shared.domain.notifications import Answer, Channel, Outgoing


class Receivers(Protocol):
    """Every configured channel, and the way out."""

    def channels(self) -> Sequence[Channel]:
        """Return the channels, by name."""

    def send(self, outgoing: Sequence[Outgoing]) -> Sequence[Answer]:
        """Send all of them at once and return the answers in their order; never raises for what a receiver does.

        Each attempt ends within a bound, whatever its receiver does, and reads a bounded part of the answer.
        """
