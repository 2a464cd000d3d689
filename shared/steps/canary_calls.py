"""What a gateway reports about the canary of a drill."""

from typing import Final

from shared.domain.canaries import CanaryReport, reported
from shared.domain.faults import Conflict, LockStoreUnavailable, OutcomeUnknown
from shared.domain.gateways import Identity
from shared.domain.refusals import Refused
from shared.ports import Ports, Reported
from shared.steps.gateway_calls import bound
from shared.steps.observe import environment_of
from shared.telemetry import log

TRIES: Final = 10


def report_canary(
    ports: Ports, gateway_id: str, environment: str, report: CanaryReport, identity: Identity
) -> Reported | Refused:
    """Keep what a gateway reports about its canary; the same report again is REPEATED.

    Raises:
        UnknownGateway, NotAuthorized: Not registered, or by another identity.
    """
    name = environment_of(ports, environment).name
    for _ in range(TRIES):
        found = bound(ports.gateways.read(name, gateway_id), gateway_id, identity)
        kept = reported(found.value, report, now=ports.clock.now())
        if isinstance(kept, Refused):
            return kept
        if kept is found.value:
            return Reported.REPEATED
        try:
            ports.gateways.replace(kept, etag=found.etag)
        except (Conflict, OutcomeUnknown):
            continue
        log("canary.reported", environment=name, gateway=gateway_id, operation_id=report.drill_id,
            succeeded=report.succeeded)  # fmt: skip
        return Reported.ACCEPTED
    raise LockStoreUnavailable("the registration kept changing")
