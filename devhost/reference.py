"""Writes the reference pages from the code they describe: `python -m devhost.reference`; a test holds them to it."""

from __future__ import annotations

import sys
from dataclasses import fields
from pathlib import Path
from typing import Final

from shared.config import PREFIX, Settings
from shared.domain.metrics import METRICS
from shared.domain.policy import Policy
from shared.domain.refusals import RefusalCode
from shared.domain.transitions import TRANSITIONS, dump_table
from shared.web.problem_rows import FAULTS, METHOD_NOT_ALLOWED, TASK_REFUSALS, refusal_row
from shared.web.routes import ROUTES

ROOT: Final = Path(__file__).resolve().parents[1]
FOLDER: Final = ROOT / "docs" / "reference"


EVIDENCE: Final = """\
`events` answers CloudEvents 1.0 as `{"value": […], "next_after": N}`, oldest first. `after` is a `next_after`, `0`
(default: from the beginning) or `latest` (only what is to come). With `wait` (default 0, at most 100 s) it answers
as soon as there is an event. An `after` above the newest event is refused: events were lost since it was given.

`audit` answers newest first; `next_before` leads to older entries. `audit/verify` answers `intact`, `broken` with
the first entry that does not hold, or `incomplete` when 20 s were not enough: pass `next_after` as `?after=` to go
on. Keep `newest`, and pass it as `?anchor=` another time: only so a chain that was cut off or written anew is seen
([ADR 0025](../adr/0025-report-what-the-stores-tell.md)).

`gateway-health` and `operations/{operation_id}` carry a weak `ETag`; with `If-None-Match` they answer 304 when
nothing but time has passed.

`report` is JSON; with `Accept: text/markdown` or `?format=markdown` it is Markdown. The phases of `recovery_time` add
up to its total, and the steps' `share_seconds` with `between_steps_seconds` to `execute_seconds`, to the
millisecond. `unknown` gives the reason for each member that is null. `history` takes `kind`, one of the operations'
types, and answers `trends`: no direction before there are enough operations to compare.
""".splitlines()


def settings_page() -> str:
    """Return the page of settings."""
    lines = [
        "# Settings",
        "",
        "Environment variables of the function app. All faults are reported together at the first call. Durations are",
        "seconds. An empty variable counts as absent.",
        "",
        "| Variable | Default | |",
        "|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        if name == "numbers":
            continue
        default = "needed" if field.is_required() else f"`{field.default}`" if field.default is not None else "none"
        lines.append(f"| `{PREFIX}{name.upper()}` | {default} | {field.description or ''} |")
    lines += [
        f"| `{PREFIX}{name}_SCHEDULE` | needed | six-field NCRONTAB expression; every 15 s in the sample |"
        for name in ("HEALTH_MONITOR", "TASK_TIMEOUT", "MIRROR")
    ]
    lines += [f"| `{PREFIX}NOTIFICATION_SCHEDULE` | needed | six-field NCRONTAB expression; every 30 s |"]
    lines += [f"| `{PREFIX}DRILL_SCHEDULE` | needed | six-field NCRONTAB expression; once a quarter in the sample |"]
    lines += [f"| `{PREFIX}PREFLIGHT_SCHEDULE` | needed | six-field NCRONTAB expression; every 15 min in the sample |"]
    lines += [
        "",
        f"`{PREFIX}ENVIRONMENTS` is a JSON object from names to `dr_cluster` and, both optional, `primary_cluster` and",
        "`rto_target_s`, which stands in for the number below.",
        f"`{PREFIX}NOTIFICATION_CHANNELS` is one from names to receivers: [notifications](../howto/notifications.md).",
    ]
    lines += ["", "## Numbers of the protocol", "", "| Variable | Default |", "|---|---|"]
    lines += [f"| `{PREFIX}{field.name.upper()}` | {field.default:g} |" for field in fields(Policy)]
    lines += ["", "Relations that are checked at start; what they protect is in [ADR 0003](../adr):", ""]
    lines += [
        "* `heartbeat_interval_s + 2 * request_timeout_s <= lease_s`",
        "* `lease_s + server_margin_s <= heartbeat_timeout_s`",
        "* `gateway_margin_s < lease_s`, `task_timeout_s < heartbeat_timeout_s`",
        "* `first_claim_timeout_s > lease_s + server_margin_s`",
        "* `alert_age_limit_s > failure_threshold * heartbeat_timeout_s`",
        "",
    ]
    return "\n".join(lines)


def api_page() -> str:
    """Return the page of routes and errors."""
    lines = [
        "# HTTP API",
        "",
        "JSON over HTTPS with a bearer token (RS256 or ES256) whose `roles` name one of the roles below. Fencing",
        "tokens are decimal text. Errors are `application/problem+json` with `code`, `message`, `hint`, `runbook`,",
        "`evidence`. A path answers another method with 405 and `Allow`.",
        "",
        "| Method | Path | Roles | |",
        "|---|---|---|---|",
    ]
    for route in ROUTES:
        for method, roles in route.methods.items():
            who = ", ".join(f"`{role}`" for role in sorted(roles)) or "open"
            lines.append(f"| {method} | `/api/{route.path}` | {who} | {route.summary} |")
    lines += [
        "",
        "`activate-dr` and `failback` wait up to `?wait=` seconds (default 25, at most 100): 200 with the runbook's",
        "body when the operation ends in time, else 202 with the operation, `Operation-Location` and `Retry-After`.",
        "Repeating either is safe: callers join the running operation, and a done one answers 200 with the same token",
        'and `Idempotent-Replayed: true`. Both take an optional body `{"reason": …, "ticket": …}`.',
        "",
        "`POST …/environments/{environment}/operations` takes `type` (`failover` or `failback`) beside those,",
        "never waits, and answers 202 with the operation. Under an `Idempotency-Key` the same body gets the same",
        "operation, also after it has ended; another body is refused (422). `?dry_run=true` answers 200 with the plan",
        "and begins nothing.",
        "",
        'Either form forces a failover with `{"force": true, "reason": …, "confirm": "<ENVIRONMENT>"}`: a reason of',
        "at least 20 characters, and always another administrator's approval.",
        "",
        "`approve` takes an optional `reason`, `cancel` needs one, `skip` a `step` and a `reason`. They answer 200 and",
        'the operation as it stands. `retry` takes `{"reason": …, "skip": […]}` and answers 202 and the new operation.',
        "",
        "`execute` takes an `Idempotency-Key`: the same key with the same config and body answers with the task queued",
        "first and `Idempotent-Replayed: true`; with another config or body it is refused within the environment.",
        "",
        '`resolve` takes `{"decision": "done"|"retry"|"give_up", "reason": …}`. `authority/restore` takes',
        '`{"reason": …, "holder": …}`; by default the holder the mirror knows. `admin/tasks` answers',
        '`{"value": […], "next_after": …}`: pass `next_after` as `?after=` for the next page. The task list of a',
        "gateway names its next page in the `Link` header.",
        "",
        "`notifications` shows of each channel how far it is in every timeline (`cursors`) and its newest `attempts`.",
        "`receipt` is `accepted`, `failed` (tried again) or `refused` (passed over): what the receiver said, not",
        "whether a person has read it. `test` answers 200 and the attempt, whatever its receipt.",
        "",
        *EVIDENCE,
        "",
        "## Errors",
        "",
        "| Code | Status | Message | Hint | Runbook |",
        "|---|---|---|---|---|",
    ]
    rows = [METHOD_NOT_ALLOWED, *FAULTS.values(), *TASK_REFUSALS.values(), *(refusal_row(code) for code in RefusalCode)]
    for code in sorted({row.code for row in rows}):
        row = next(row for row in rows if row.code == code)
        lines.append(f"| {row.code} | {row.status} | {row.title} | {row.hint} | {row.runbook or '-'} |")
    return "\n".join([*lines, ""])


def states_page() -> str:
    """Return the page of states."""
    edges = [
        f"    {status.value} --> {rule.to.value}: {event.value}"
        for status, rules in TRANSITIONS.items()
        for event, rule in rules.items()
        if rule.to is not status
    ]
    return "\n".join(
        [
            "# Activation status",
            "",
            "Derived from the environment lock: a failed mark under the present token is `failed`, else the holder is",
            "`active`, else `standby`. Each change is the consequence of one conditional write of the lock.",
            "",
            "```mermaid",
            "stateDiagram-v2",
            *edges,
            "```",
            "",
            "```text",
            dump_table().rstrip(),
            "```",
            "",
        ]
    )


def metrics_page() -> str:
    """Return the page of metrics."""
    lines = [
        "# Metrics",
        "",
        "`GET /api/v1/metrics` answers the Prometheus text format, computed from the stores while it is asked: every",
        "instance gives the same numbers. A scraper sends a bearer token with `gateway:read`. While a store does not",
        'answer, its metrics are absent and `mvdr_store_up{store="…"}` is 0; the answer is 200 all the same.',
        "",
        "| Name | Type | Labels | Needs | |",
        "|---|---|---|---|---|",
    ]
    for metric in METRICS:
        labels = ", ".join(f"`{label}`" for label in metric.labels) or "-"
        needs = ", ".join(store.value for store in metric.stores) or "-"
        kind = "counter" if metric.is_counter else "gauge"
        lines.append(f"| `{metric.name}` | {kind} | {labels} | {needs} | {metric.help} |")
    return "\n".join([*lines, ""])


PAGES: Final = {"metrics.md": metrics_page, "settings.md": settings_page, "api.md": api_page, "states.md": states_page}


def main() -> None:
    """Write every page."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
        sys.stdout.write(f"docs/reference/{name}\n")


if __name__ == "__main__":
    main()
