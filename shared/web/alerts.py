"""Azure Monitor's common alert schema, read leniently: it grows, and leaves out or nulls what does not apply.

This is the one body that is not ours to define, so unknown members are passed over, and numbers do where text is
expected and the other way round. Refused is only what cannot be an alert. Source: Azure Monitor, "Common alert schema"
and its payload samples, one per kind.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from shared.domain.alerts import Alert, AlertCondition, AlertKind, Taken
from shared.domain.faults import MalformedRequest
from shared.domain.operations import OperationRequest
from shared.domain.refusals import JsonValue
from shared.web.responses import Document

LARGEST_ALERT_BYTES: Final = 256 * 1024  # "Common alert schema": the upper size of a payload
LONGEST_ID: Final = 2048
LONGEST_TEXT: Final = 200
MOST_DIMENSIONS: Final = 10
SCHEMA: Final = "azureMonitorCommonAlertSchema"

_UNSTORABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Data(_Lenient):
    essentials: dict[str, Any]
    alertContext: Any = None
    customProperties: Any = None


class _Envelope(_Lenient):
    schemaId: Any = None
    data: _Data


def parse_alert(raw: bytes, *, received_at: datetime) -> Alert:
    """Return the alert.

    Raises:
        MalformedRequest: Larger than `LARGEST_ALERT_BYTES`, not JSON, another schema, without an alertId, or with a
            monitorCondition that is neither Fired, Resolved nor null.
    """
    if len(raw) > LARGEST_ALERT_BYTES:
        raise MalformedRequest(f"The alert is larger than {LARGEST_ALERT_BYTES} bytes")
    try:
        envelope = _Envelope.model_validate_json(raw)
    except ValidationError:
        raise _garbage("", f"Must be an alert in the schema {SCHEMA}") from None
    if envelope.schemaId != SCHEMA:
        raise _garbage("/schemaId", f"Must be {SCHEMA}; switch the common alert schema on for this receiver")
    essentials, context = envelope.data.essentials, _object(envelope.data.alertContext)
    properties = _object(envelope.data.customProperties)
    kind = _kind(essentials, context)
    return Alert(
        id=_alert_id(essentials.get("alertId")),
        condition=_condition(essentials.get("monitorCondition")),
        environment=_text(properties.get("environment")),
        intent=_text(properties.get("intent")),
        kind=kind,
        received_at=received_at,
        fired_at=_instant(essentials.get("firedDateTime")),
        recovered=_tells_recovery(kind, context),
        rule=_text(essentials.get("alertRule")),
        severity=_text(essentials.get("severity")),
        details=_DETAILS.get(kind, _no_details)(context),
    )


def taken_document(alert: Alert, taken: Taken, begun: OperationRequest | None) -> Document:
    """Return what the sender is answered, which it only logs."""
    return {
        "status": taken.value,
        "environment": alert.environment or None,
        "intent": alert.intent or None,
        "condition": alert.condition.value,
        "operation": begun.id if begun else None,
    }


def _garbage(pointer: str, message: str) -> MalformedRequest:
    return MalformedRequest("The body is no alert", ((pointer, message),))


def _alert_id(value: object) -> str:
    text = _text(value, longest=LONGEST_ID + 1)
    if not text or len(text) > LONGEST_ID:
        raise _garbage("/data/essentials/alertId", f"Must be a text of 1 to {LONGEST_ID} letters")
    return text


def _condition(value: object) -> AlertCondition:
    if value is None:
        return AlertCondition.FIRED  # budget alerts have none, and are never resolved
    named = _text(value).lower()
    found = next((condition for condition in AlertCondition if condition.value.lower() == named), None)
    if found is None:
        raise _garbage("/data/essentials/monitorCondition", "Must be Fired or Resolved")
    return found


def _text(value: object, *, longest: int = LONGEST_TEXT) -> str:
    """Return a value as one line of text; what is no single value is none."""
    if value is None or isinstance(value, dict | list):
        return ""
    return _UNSTORABLE.sub(" ", str(value)).strip()[:longest]


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _instant(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(_text(value))
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _kind(essentials: Mapping[str, Any], context: Mapping[str, Any]) -> AlertKind:
    service, signal = _text(essentials.get("monitoringService")).lower(), _text(essentials.get("signalType")).lower()
    condition = _text(context.get("conditionType")).lower()
    by_service = (
        ("servicehealth", AlertKind.SERVICE_HEALTH), ("resourcehealth", AlertKind.RESOURCE_HEALTH),
        ("resource health", AlertKind.RESOURCE_HEALTH), ("activity log", AlertKind.ACTIVITY_LOG),
        ("prometheus", AlertKind.PROMETHEUS), ("costalerts", AlertKind.COST), ("log", AlertKind.LOG),
    )  # fmt: skip
    if condition == "webtestlocationavailabilitycriteria":
        return AlertKind.AVAILABILITY
    found = next((kind for start, kind in by_service if service.startswith(start)), None)
    if found is not None:
        return found
    return {"metric": AlertKind.METRIC, "log": AlertKind.LOG, "activity log": AlertKind.ACTIVITY_LOG}.get(
        signal, AlertKind.OTHER
    )


def _tells_recovery(kind: AlertKind, context: Mapping[str, Any]) -> bool:
    """Whether a kind that never sends Resolved says in its context that it is over."""
    properties = _object(context.get("properties"))
    if kind is AlertKind.SERVICE_HEALTH:
        return _text(properties.get("stage")).lower() in ("resolved", "complete", "rca")
    if kind is AlertKind.RESOURCE_HEALTH:
        ended = _text(context.get("operationName")).lower().endswith("/resolved/action")
        return ended or _text(properties.get("currentHealthStatus")).lower() == "available"
    return False


def _no_details(_: Mapping[str, Any]) -> dict[str, JsonValue]:
    return {}


def _picked(source: Mapping[str, Any], *names: str) -> dict[str, JsonValue]:
    return {name: text for name in names if (text := _text(source.get(name)))}


def _criteria(context: Mapping[str, Any]) -> dict[str, JsonValue]:
    """Metric, log and availability: what was measured, against what."""
    first = next(iter(_objects(_object(context.get("condition")).get("allOf"))), {})
    named = _picked(first, "metricName", "metricValue", "operator", "threshold", "timeAggregation", "webTestName")
    dimensions = [f"{_text(one.get('name'))}={_text(one.get('value'))}" for one in _objects(first.get("dimensions"))]
    return {**named, "dimensions": ", ".join(dimensions[:MOST_DIMENSIONS])} if dimensions else named


def _properties(*names: str) -> Callable[[Mapping[str, Any]], dict[str, JsonValue]]:
    return lambda context: _picked(_object(context.get("properties")), *names)


def _prometheus(context: Mapping[str, Any]) -> dict[str, JsonValue]:
    labels = _picked(_object(context.get("labels")), "alertname", "cluster", "namespace")
    return {**_picked(context, "expression", "expressionValue", "for"), **labels}


_DETAILS: Final[Mapping[AlertKind, Callable[[Mapping[str, Any]], dict[str, JsonValue]]]] = {
    AlertKind.METRIC: _criteria,
    AlertKind.LOG: _criteria,
    AlertKind.AVAILABILITY: _criteria,
    AlertKind.ACTIVITY_LOG: lambda context: _picked(context, "operationName", "status", "level", "correlationId"),
    AlertKind.SERVICE_HEALTH: _properties("title", "service", "region", "incidentType", "stage", "trackingId"),
    AlertKind.RESOURCE_HEALTH: _properties("currentHealthStatus", "previousHealthStatus", "cause", "type"),
    AlertKind.PROMETHEUS: _prometheus,
    AlertKind.COST: lambda context: _picked(
        _object(context.get("AlertData")), "BudgetName", "BudgetThreshold", "SpentAmount", "Unit"
    ),
}
