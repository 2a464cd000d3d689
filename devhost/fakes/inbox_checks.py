"""What the real receivers refuse, as far as their documents say it: a function per receiver, from a request to faults.

Sources: CloudEvents 1.0 and Standard Webhooks; Slack's block reference and chat.postMessage; Adaptive Cards as Teams
shows them, and the size Workflows takes; PagerDuty's Events API v2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

CARD_VERSIONS = ("1.0", "1.1", "1.2", "1.3", "1.4", "1.5")
CARD_ELEMENTS = ("TextBlock", "RichTextBlock", "FactSet", "ColumnSet", "Container", "Image", "ActionSet")
TEAMS_BYTES = 28 * 1024
PAGERDUTY_BYTES = 512 * 1024
SEVERITIES = ("info", "warning", "error", "critical")
ACTIONS = ("trigger", "acknowledge", "resolve")
BLOCK_LIMIT = 50
# A mention or a link: in Slack's markup nothing else begins with an angle bracket.
MARKUP = re.compile(r"<[^>]*>")


def cloud_event_faults(event: Mapping[str, Any], content_type: str) -> list[str]:
    """Return what is wrong with a CloudEvent in structured mode."""
    faults = [] if content_type == "application/cloudevents+json" else [f"content type {content_type}"]
    for name in ("specversion", "id", "source", "type"):
        if not (isinstance(event.get(name), str) and event[name]):
            faults.append(f"{name} is needed")
    if event.get("specversion") != "1.0":
        faults.append("specversion is 1.0")
    faults += [f"{name} is no name of an attribute" for name in event if not re.fullmatch(r"[a-z0-9]+", name)]
    if "time" in event:
        faults += _instant_faults("time", event["time"])
    return faults


def slack_faults(message: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a Slack message."""
    if not message.get("text") and not message.get("blocks"):
        return ["no_text"]
    blocks = message.get("blocks", [])
    if not isinstance(blocks, list) or len(blocks) > BLOCK_LIMIT:
        return ["invalid_blocks: at most 50, in a list"]
    faults = [f"invalid_blocks: {fault}" for block in blocks for fault in _block_faults(block)]
    texts = [str(message.get("text", "")), *_mrkdwn(blocks)]
    return faults + [f"markup: {text[:60]}" for text in texts if MARKUP.search(text)]


def _mrkdwn(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if value.get("type") == "mrkdwn":
            yield str(value.get("text", ""))
        for child in value.values():
            yield from _mrkdwn(child)
    elif isinstance(value, list):
        for child in value:
            yield from _mrkdwn(child)


def _block_faults(block: Any) -> Iterator[str]:
    kind = block.get("type") if isinstance(block, dict) else None
    if kind == "header":
        yield from _text_faults(block.get("text"), 150, kinds=("plain_text",))
    elif kind == "section":
        fields = block.get("fields", [])
        if ("text" not in block and not fields) or len(fields) > 10:
            yield "a section has a text or up to 10 fields"
        if "text" in block:
            yield from _text_faults(block["text"], 3000)
        for field in fields:
            yield from _text_faults(field, 2000)
    elif kind == "context":
        if not 1 <= len(block.get("elements", [])) <= 10:
            yield "a context has up to 10 elements"
        for element in block.get("elements", []):
            yield from _text_faults(element, 3000)
    elif kind == "actions":
        if not 1 <= len(block.get("elements", [])) <= 25:
            yield "actions have up to 25 elements"
        for element in block.get("elements", []):
            yield from _text_faults(element.get("text"), 75, kinds=("plain_text",))
            if len(str(element.get("url", ""))) > 3000:
                yield "a URL has up to 3000 characters"
    elif kind != "divider":
        yield f"unknown block {kind}"


def _text_faults(text: Any, limit: int, *, kinds: tuple[str, ...] = ("plain_text", "mrkdwn")) -> Iterator[str]:
    if not isinstance(text, dict) or text.get("type") not in kinds or not text.get("text"):
        yield f"a text that is not empty, one of {', '.join(kinds)}"
    elif len(text["text"]) > limit:
        yield f"a text has up to {limit} characters, not {len(text['text'])}"


def teams_faults(message: Mapping[str, Any], size_bytes: int) -> list[str]:
    """Return what is wrong with a message to a Workflows webhook."""
    faults = [f"larger than {TEAMS_BYTES} bytes"] if size_bytes > TEAMS_BYTES else []
    attachments = message.get("attachments")
    if message.get("type") != "message" or not isinstance(attachments, list) or not attachments:
        return [*faults, "type is message, with attachments"]
    for attachment in attachments:
        if attachment.get("contentType") != "application/vnd.microsoft.card.adaptive":
            faults.append(f"contentType {attachment.get('contentType')}")
        card = attachment.get("content") or {}
        if card.get("type") != "AdaptiveCard" or card.get("version") not in CARD_VERSIONS:
            faults.append(f"no AdaptiveCard that Teams shows: {card.get('type')} {card.get('version')}")
        faults += [
            f"unknown element {e.get('type')}" for e in card.get("body", []) if e.get("type") not in CARD_ELEMENTS
        ]
        faults += [
            f"unknown action {one.get('type')}"
            for one in card.get("actions", [])
            if one.get("type") != "Action.OpenUrl" or not str(one.get("url", "")).startswith(("http://", "https://"))
        ]
    return faults


def pagerduty_faults(event: Mapping[str, Any], size_bytes: int, *, routing_key: str, change: bool) -> list[str]:
    """Return what is wrong with an event, or a change event, of PagerDuty."""
    faults = [f"larger than {PAGERDUTY_BYTES} bytes"] if size_bytes > PAGERDUTY_BYTES else []
    if event.get("routing_key") != routing_key:
        faults.append("'routing_key' is missing or not known")
    payload = event.get("payload") or {}
    if change:
        return faults + _payload_faults(payload, ("summary",))
    action, key = event.get("event_action"), event.get("dedup_key")
    if action not in ACTIONS:
        faults.append("'event_action' is trigger, acknowledge or resolve")
    if key is not None and not (isinstance(key, str) and 0 < len(key) <= 255):
        faults.append("'dedup_key' has up to 255 characters")
    if action == "trigger":
        faults += _payload_faults(payload, ("summary", "source", "severity"))
        if payload.get("severity") not in SEVERITIES:
            faults.append("'payload.severity' is one of " + ", ".join(SEVERITIES))
    elif key is None:
        faults.append("'dedup_key' is needed to acknowledge or resolve")
    return faults


def _payload_faults(payload: Mapping[str, Any], needed: tuple[str, ...]) -> list[str]:
    faults = [f"'payload.{name}' is missing or blank" for name in needed if not payload.get(name)]
    if len(str(payload.get("summary", ""))) > 1024:
        faults.append("'payload.summary' has up to 1024 characters")
    if "timestamp" in payload:
        faults += _instant_faults("payload.timestamp", payload["timestamp"])
    return faults


def _instant_faults(name: str, value: Any) -> list[str]:
    try:
        aware = datetime.fromisoformat(str(value)).tzinfo is not None
    except ValueError:
        aware = False
    return [] if aware else [f"'{name}' is an instant with a zone"]
