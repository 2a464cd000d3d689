"""The report of an operation as Markdown, for a ticket or a review: the same facts as its JSON, in reading order."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from shared.domain.events import Event
from shared.domain.recovery import seconds
from shared.domain.reports import HandedBack, Held, Report
from shared.web.responses import timestamp

UNKNOWN: Final = "not known"
_ESCAPED: Final = str.maketrans(
    {"\\": "\\\\", "|": "\\|", "<": "&lt;", ">": "&gt;", "&": "&amp;", "`": "\\`", "*": "\\*", "_": "\\_",
     "[": "\\[", "]": "\\]", "\n": " ", "\r": " "}
)  # fmt: skip
"""What people typed stays text: no markup, no HTML, no second table row."""


def report_markdown(report: Report) -> str:
    """Return the report as Markdown that any renderer with tables shows."""
    request = report.operation.request
    lines = [
        f"# {request.kind.value} of {_text(request.environment)}: {report.operation.status.value}",
        "",
        f"Operation {_text(request.id)}, asked for by {_text(request.requested_by)} at {_at(request.requested_at)}.",
        f"Reason: {_text(request.reason) or 'none given'}.",
        "",
        *_error(report),
        *_recovery(report),
        *_steps(report),
        *_changes(report),
        *_happened(report),
        *_unknown(report),
    ]
    return "\n".join(lines)


def _error(report: Report) -> list[str]:
    error = report.operation.error
    if not error:
        return []
    return [f"**{_text(str(error.get('message', '')))}**: {_text(str(error.get('detail', '')))}", ""]


def _recovery(report: Report) -> list[str]:
    recovery, operation = report.recovery, report.operation
    met = {True: "met", False: "missed", None: "not reached"}[recovery.met(report.target_s)]
    rows = [
        ("detect", operation.outage_started_at, recovery.detect_ms),
        ("decide", operation.failed_at, recovery.decide_ms),
        ("execute", operation.request.requested_at, recovery.execute_ms),
    ]
    return [
        "## Time",
        "",
        *_table(("Phase", "From", "Seconds"), [(name, _at(at), _length(ms)) for name, at, ms in rows]),
        f"| **total** | ended {_at(operation.ended_at)} | **{_length(recovery.total_ms)}** |",
        "",
        *([f"Target: {report.target_s:g} s, {met}.", ""] if report.target_s is not None else []),
    ]


def _steps(report: Report) -> list[str]:
    rows = [
        (
            step.record.step.id.replace("_", "\\_"), step.record.step.runbook, step.record.status.value,
            str(step.record.attempts), _length(step.duration_ms), _length(step.share_ms), _text(step.record.detail),
        )
        for step in report.execution.steps
    ]  # fmt: skip
    header = ("Step", "Runbook", "Status", "Attempts", "Duration s", "Share s", "Detail")
    return [
        "## Steps",
        "",
        *_table(header, rows),
        f"| between steps | | | | | {_length(report.execution.between_ms)} | |",
        "",
    ]


def _changes(report: Report) -> list[str]:
    return [
        "## What changed",
        "",
        *_table(
            ("", "Before", "After"),
            [
                ("holder", *(_holder(held) for held in (report.before, report.after))),
                ("fencing token", *(held.token if held else UNKNOWN for held in (report.before, report.after))),
            ],
        ),
        "",
        _tasks(report.handed_back),
        "",
    ]


def _happened(report: Report) -> list[str]:
    told = [(_at(event.at), event.type.value, _text(event.subject), _said(event)) for event in report.events]
    did = [
        (_at(entry.at), _text(entry.action), _text(entry.actor), _text(entry.reason), str(entry.sequence))
        for entry in report.entries
    ]
    return [
        "## Who did what",
        "",
        *_table(("At", "Action", "Who", "Why", "Audit entry"), did),
        "",
        "## What happened",
        "",
        *_table(("At", "Event", "About", "Detail"), told),
        "",
    ]


def _unknown(report: Report) -> list[str]:
    if not report.unknown:
        return []
    return ["## Not known", "", *(f"* `{pointer}`: {reason}" for pointer, reason in report.unknown.items()), ""]


def _tasks(handed_back: HandedBack | None) -> str:
    if handed_back is None:
        return f"Tasks of the former holder: {UNKNOWN}."
    return (
        f"Tasks of the former holder: {handed_back.requeued} requeued, {handed_back.in_doubt} in doubt, "
        f"{handed_back.failed} failed."
    )


def _said(event: Event) -> str:
    """Return what an event says in words, step and status first."""
    words = (event.data.get(name) for name in ("step", "status", "reason", "message"))
    return _text(", ".join(str(word) for word in words if word))


def _holder(held: Held | None) -> str:
    return UNKNOWN if held is None else _text(held.holder or "nobody")


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [
        "| " + " | ".join(header) + " |",
        "|" + "---|" * len(header),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]


def _length(ms: int | None) -> str:
    length_s = seconds(ms)
    return UNKNOWN if length_s is None else f"{length_s:.3f}"


def _at(at: datetime | None) -> str:
    return timestamp(at) or UNKNOWN


def _text(text: str) -> str:
    return text.translate(_ESCAPED)
