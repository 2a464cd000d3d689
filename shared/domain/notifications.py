"""Notifications: what people are told, through which channel, and what became of it.

The timeline is the outbox: a channel remembers up to which event it has told, so nothing is lost with a process.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from shared.domain.refusals import JsonValue


class ChannelKind(Enum):
    """What stands at the other end."""

    WEBHOOK = "webhook"  # CloudEvents 1.0, signed
    SLACK = "slack"
    TEAMS = "teams"  # a Workflows webhook
    PAGERDUTY = "pagerduty"  # Events API v2


class Severity(Enum):
    """How loud it is, from the least."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


class Signal(Enum):
    """What a notification does to its incident."""

    NOTE = "note"  # belongs to none
    OPEN = "open"
    UPDATE = "update"
    ACKNOWLEDGE = "acknowledge"  # somebody, or the control plane itself, has begun to act
    REMIND = "remind"
    RESOLVE = "resolve"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A way to people. Its address and secrets stay in the adapter."""

    name: str
    kind: ChannelKind
    at_least: Severity = Severity.INFO
    environments: frozenset[str] | None = None  # None: every environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One message, the same for every channel. `id` names it: whoever gets it twice can tell."""

    id: str
    environment: str
    at: datetime
    severity: Severity
    signal: Signal
    incident: str | None  # what it belongs to: one thread, one page
    type: str  # the event's type, or `reminder`, or `test`
    subject: str
    sentence: str  # what happened, since when, and what it means
    next_action: str  # the next safe step, runbook section included; empty where there is none
    sequence: int | None = None  # of the event it tells of
    facts: Mapping[str, str] = field(default_factory=dict)  # label and value, in the order in which they are shown
    data: Mapping[str, JsonValue] = field(default_factory=dict)  # the event's own


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A notification on its way through one channel. `thread` is what the channel called its incident before."""

    channel: Channel
    notification: Notification
    thread: str | None = None


class Receipt(Enum):
    """How a receiver took a notification; nobody can say that a person has read it."""

    ACCEPTED = "accepted"
    FAILED = "failed"  # not taken, as far as is known; sending it again may help
    REFUSED = "refused"  # not taken, and sending the same again cannot help


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back for one attempt."""

    receipt: Receipt
    status: int | None = None  # of HTTP; None when there was no answer
    detail: str = ""  # at most 200 characters, without secrets
    retry_after_s: float | None = None
    thread: str | None = None
