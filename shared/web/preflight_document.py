"""A preflight as callers get it."""

from datetime import datetime

from shared.domain.preflight import Check, Preflight
from shared.web.responses import Document, timestamp


def preflight_document(preflight: Preflight, *, now: datetime) -> Document:
    """Return every check with its evidence, its age, and what to do about it."""
    return {
        "environment": preflight.environment,
        "status": preflight.status.value,
        "checked_at": timestamp(preflight.checked_at),
        "age_seconds": round((now - preflight.checked_at).total_seconds(), 3),
        "checks": [_check(check) for check in preflight.checks],
    }


def _check(check: Check) -> Document:
    return {
        "name": check.name.id,
        "status": check.status.value,
        "summary": check.summary,
        "evidence": dict(check.evidence),
        "hint": check.name.hint,
        "runbook": check.name.runbook,
    }
