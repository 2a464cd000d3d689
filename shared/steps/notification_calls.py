"""What people ask about notifications: how the channels stand, and whether one works."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from shared.domain.faults import Conflict, Unavailable, UnknownChannel
from shared.domain.notification_cursors import ChannelState, Delivery, covers, delivery_of
from shared.domain.notifications import Channel, Notification, Outgoing, Severity, Signal
from shared.ports import Ports
from shared.steps.audit_trail import record_audit
from shared.telemetry import log, warn

NEWEST: Final = 20
"""Attempts that are shown of a channel."""


def channel_states(ports: Ports) -> Sequence[ChannelState]:
    """Return how every channel stands, by name. Without channels no store is asked.

    Raises:
        LockStoreUnavailable: Table Storage does not answer.
    """
    channels = ports.receivers.channels()
    if not channels:
        return ()
    cursors = [one.value for one in ports.notification_cursors.read_all(ports.environments)]
    newest = {name: next(iter(ports.events.newest(name, limit=1)), None) for name in ports.environments}
    return [
        ChannelState(
            channel=channel,
            cursors=(own := tuple(one for one in cursors if one.channel == channel.name)),
            behind={
                one.environment: max(last.sequence - one.sequence, 0)
                for one in own
                if (last := newest[one.environment]) is not None
            },
            attempts=tuple(ports.notification_deliveries.newest(channel.name, limit=NEWEST)),
        )
        for channel in channels
    ]


def send_test(ports: Ports, channel_name: str, *, actor: str) -> Delivery:
    """Send a marked test through one channel at once and return the attempt; cursors and back-off stay as they are.

    Raises:
        UnknownChannel: No such channel is configured; the text names those that are.
        LockStoreUnavailable, Conflict: It could not be audited, and was not sent.
    """
    channels = ports.receivers.channels()
    channel = next((one for one in channels if one.name == channel_name), None)
    if channel is None:
        names = ", ".join(one.name for one in channels) or "none"
        raise UnknownChannel(f"Notification channel {channel_name} does not exist; the channels are: {names}")
    covered = [name for name in sorted(ports.environments) if covers(channel, name)]
    environment = covered[0] if covered else min(ports.environments)
    said = _test(channel, environment, actor=actor, id=f"test-{ports.ids.unique()}", at=ports.clock.now())
    record_audit(ports, environment, actor=actor, action="notification.tested", after={"channel": channel_name})
    (answer,) = ports.receivers.send([Outgoing(channel=channel, notification=said)])
    log("notification.tested", channel=channel_name, receipt=answer.receipt.value, status=answer.status)
    attempt = delivery_of(channel_name, said, answer, attempt=1, at=ports.clock.now())
    try:
        ports.notification_deliveries.insert(attempt)
    except (Unavailable, Conflict) as fault:
        warn("notification.not_logged", channel=channel_name, notification=said.id, detail=str(fault))
    return attempt


def _test(channel: Channel, environment: str, *, actor: str, id: str, at: datetime) -> Notification:
    return Notification(
        id=id, environment=environment, at=at, severity=Severity.INFO, signal=Signal.TEST, incident=None, type="test",
        subject=channel.name,
        sentence=f"TEST: {actor} tries the notification channel {channel.name}. Nothing has happened.",
        next_action="None. Whoever reads this would be told of a failure here.",
        facts={"Channel": channel.name, "Requested by": actor},
    )  # fmt: skip
