"""The inbox as one page: text and a table, nothing that runs."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from html import escape

from devhost.fakes.inbox_kept import Kept, Message

REFRESH_S = 2
STYLE = """
body{font:14px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#1b1f24;background:#fff}
h1{font-size:1.25rem;margin:0 0 .25rem}p{margin:.25rem 0 1rem;color:#57606a}
table{border-collapse:collapse;width:100%;table-layout:fixed}
th,td{text-align:left;vertical-align:top;padding:.45rem .6rem;border-top:1px solid #d0d7de;overflow-wrap:anywhere}
th{font-weight:600;color:#57606a;border-top:0}.n{width:3.5rem}.t{width:6rem}.r{width:6.5rem}.i{width:15rem}
.id{color:#57606a;font-size:12px}.bad{color:#b42318}.title{font-weight:600}.mode{font-weight:600;color:#b42318}
ul{padding:0;list-style:none;display:flex;flex-wrap:wrap;gap:.25rem 1.5rem}li{white-space:nowrap}
"""
HEADERS = {
    # No script, no picture, no form, nothing from elsewhere: what arrives is text of strangers.
    "Content-Security-Policy": "default-src 'none'; sandbox; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; "
    f"style-src 'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def page(kept: Kept) -> str:
    """Return the page: how the receivers behave, the incidents, and the newest message first."""
    modes = "".join(
        f"<li>{escape(name)}: <span class={'mode' if mode.value != 'ok' else 'ok'}>{escape(mode.value)}</span>, "
        f"{kept.attempts[name]} requests</li>"
        for name, mode in kept.modes.items()
    )
    rows = "".join(_row(message) for message in reversed(kept.messages))
    empty = "" if rows else "<tr><td colspan=5>Nothing has arrived. Kill a gateway, or send a test.</td></tr>"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Notification inbox</title>'
        f'<meta http-equiv="refresh" content="{REFRESH_S}"><meta name="viewport" content="width=device-width">'
        f"<style>{STYLE}</style></head><body><h1>Notification inbox</h1>"
        f"<p>What a webhook, Slack, Teams and PagerDuty would have got from this lab. Newest first; times are UTC.</p>"
        f"<ul>{modes}</ul>{_incidents(kept)}<table><thead><tr><th class=n>#</th><th class=t>Time</th>"
        f"<th class=r>Receiver</th><th class=i>Incident or thread</th><th>Message</th></tr></thead>"
        f"<tbody>{rows}{empty}</tbody></table></body></html>"
    )


def _incidents(kept: Kept) -> str:
    if not kept.incidents:
        return ""
    rows = "".join(f"<li>{escape(key)}: {escape(' → '.join(acts))}</li>" for key, acts in kept.incidents.items())
    return f"<p>Pages:</p><ul>{rows}</ul>"


def _row(message: Message) -> str:
    head = escape(_joined(message.action, message.title))
    notes = [f"refused: {fault}" for fault in message.faults] + (["came again"] if message.is_repeated else [])
    return (
        f"<tr><td>{message.number}</td><td>{escape(message.at[11:19])}</td><td>{escape(message.receiver)}</td>"
        f"<td>{escape(message.thread or '-')}</td><td><div class=title>{head}</div>"
        f"<div>{escape(message.text)}</div><div class=id>{escape(message.id)}</div>"
        + "".join(f"<div class=bad>{escape(note)}</div>" for note in notes)
        + "</td></tr>"
    )


def _joined(*parts: str) -> str:
    return " · ".join(_present(parts))


def _present(parts: Sequence[str]) -> list[str]:
    return [part for part in parts if part]
