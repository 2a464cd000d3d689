"""The receivers of notifications as the steps see them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from shared.domain.notifications import Answer, Channel, Outgoing


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A channel with its address, as the settings hand it to the adapter; nothing else reads it, nothing shows it."""

    channel: Channel
    url: str = field(repr=False)  # of Slack and Teams a secret itself
    secret: str = field(default="", repr=False)  # what signs a webhook, Slack's token, PagerDuty's routing key
    room: str | None = None  # the channel in Slack that is written to with a token


class Receivers(Protocol):
    """Every configured channel, and the way out."""

    def channels(self) -> Sequence[Channel]:
        """Return the channels, by name."""

    def send(self, outgoing: Sequence[Outgoing]) -> Sequence[Answer]:
        """Send all of them at once and return the answers in their order; never raises for what a receiver does.

        Each attempt ends within a bound, whatever its receiver does, and reads a bounded part of the answer.
        """
