"""Canaries: one disposable rotation that a standby gateway carries out during a drill.

The order lies in the gateway's own registration, so that asking for it, taking it and answering it touch neither the
lock nor a task, and cost a heartbeat nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared.domain.gateways import Canary, CanaryStatus, Gateway
from shared.domain.refusals import JsonValue, RefusalCode, Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryReport:
    """What a gateway says about its canary."""

    drill_id: str
    succeeded: bool
    result: Mapping[str, JsonValue] = field(default_factory=dict)


def asked(gateway: Gateway, *, drill_id: str, config: Mapping[str, JsonValue], now: datetime) -> Gateway:
    """Return the gateway with the canary of this drill asked for; one that was asked for already stays as it is."""
    if gateway.canary is not None and gateway.canary.drill_id == drill_id:
        return gateway
    return replace(gateway, canary=Canary(drill_id=drill_id, config=config, asked_at=now))


def reported(gateway: Gateway, report: CanaryReport, *, now: datetime) -> Gateway | Refused:
    """Return the gateway with its report; the same report again changes nothing."""
    canary = gateway.canary
    if canary is None or canary.drill_id != report.drill_id:
        return Refused(
            code=RefusalCode.CANARY_NOT_WANTED, detail=f"no canary of {report.drill_id} is asked of {gateway.id}"
        )
    status = CanaryStatus.SUCCEEDED if report.succeeded else CanaryStatus.FAILED
    if canary.status is not CanaryStatus.ASKED:
        same = canary.status is status and dict(canary.result) == dict(report.result)
        detail = f"{gateway.id} reported {canary.status.value} before"
        return gateway if same else Refused(code=RefusalCode.CANARY_NOT_WANTED, detail=detail)
    return replace(gateway, canary=replace(canary, status=status, result=report.result, reported_at=now))


def withdrawn(gateway: Gateway, *, drill_id: str) -> Gateway:
    """Return the gateway without the canary of this drill."""
    if gateway.canary is None or gateway.canary.drill_id != drill_id:
        return gateway
    return replace(gateway, canary=None)
