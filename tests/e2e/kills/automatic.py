"""Brings environments to where a failover begins by itself, and lets it begin.

An environment waits for its turn in a pause: its primary is silent, and neither marked nor counted in a mass silence.
When the pause ends, the alert has come already, and the monitor's next tick marks the primary and begins the failover.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from shared.domain.operations import OperationKind
from tests.e2e.kills.rig import Rig


def make_automatic(rig: Rig, environment: str) -> None:
    """Allow automatic failovers in an environment whose primary beats, and let its turn be the next thing."""
    modes = f"admin/environments/{environment}/modes"
    etag = rig.insist("GET", modes).headers["etag"]
    wanted = {"auto_failover": "on", "prewarm": "off", "two_person": False}
    rig.insist("PUT", modes, wanted, **{"If-Match": etag})
    fall_silent(rig, environment)


def fall_silent(rig: Rig, environment: str) -> None:
    """Pause an environment that its primary holds, and silence it."""
    rig.insist("POST", f"admin/environments/{environment}/pause", {"minutes": 60, "reason": "waits for its turn"})
    rig.with_primary_silent(environment)


def ready(rig: Rig, environment: str) -> None:
    """Bring an environment to where its turn begins; after a former case that went well it is there already."""
    primary, _ = rig.gateways(environment)
    if rig.lock(environment).holder != primary.id:
        rig.with_primary_back(environment)
        rig.carried_out(environment, OperationKind.FAILBACK)
    if primary.lives:
        fall_silent(rig, environment)


def give_the_next_a_turn(rig: Rig, environment: str) -> None:
    """Let the primary of an environment boot, and fail those back whose primary has been beating for a case."""
    for name in rig.environments:
        primary, dr = rig.gateways(name)
        if primary.lives and rig.lock(name).holder == dr.id:
            rig.carried_out(name, OperationKind.FAILBACK)
            fall_silent(rig, name)
    rig.gateways(environment)[0].boot()


def let_it_begin(rig: Rig, environment: str) -> None:
    """Deliver an alert about the primary, as often as it takes to be answered, and end the pause."""
    rig.send_alert(_alert(environment))
    rig.insist("POST", f"admin/environments/{environment}/resume", {"reason": "its turn"})


def places(rig: Rig) -> list[str]:
    """Return the environments whose automatic failovers count towards the cap, as the product judges it."""
    found: set[str] = set()
    # A decision names those of other environments; two decisions name all.
    for asked in rig.environments[:2]:
        rules = rig.insist("GET", f"admin/environments/{asked}/explain").json()["decisions"]["automatic_failover"][
            "rules"
        ]
        found.update(*(rule["inputs"]["running"] for rule in rules if rule["rule"] == "below_the_cap"))
    return sorted(found)


def _alert(environment: str) -> dict[str, object]:
    return {
        "schemaId": "azureMonitorCommonAlertSchema",
        "data": {
            "essentials": {
                "alertId": f"{environment}-{uuid.uuid4()}", "alertRule": "heartbeat missing", "severity": "Sev1",
                "signalType": "Metric", "monitorCondition": "Fired", "monitoringService": "Platform",
                "firedDateTime": datetime.now(UTC).isoformat(),
            },
            "alertContext": None,
            "customProperties": {"environment": environment, "intent": "primary-failed"},
        },
    }  # fmt: skip
