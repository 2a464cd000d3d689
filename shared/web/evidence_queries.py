"""What callers ask of the evidence: where a page begins, which kind of operation, in which format."""

import re
from collections.abc import Mapping
from typing import Final

from shared.domain.audit_chain import START, Anchor
from shared.domain.operations import OperationKind
from shared.web.requests import query_fault

LATEST: Final = "latest"
MARKDOWN: Final = "text/markdown"

_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,17}")
_ANCHOR: Final = re.compile(r"(?P<sequence>[1-9][0-9]{0,17}):(?P<hash>[0-9a-f]{64})")


def parse_after_event(query: Mapping[str, str]) -> int | None:
    """Return the number after which events are wanted, 0 when none is given; None for `latest`.

    Raises:
        MalformedRequest: Neither a number nor `latest`.
    """
    text = query.get("after", "") or "0"
    if text == LATEST:
        return None
    if not _NUMBER.fullmatch(text):
        raise query_fault("after", f"Must be the next_after of the page before, 0 or {LATEST}")
    return int(text)


def parse_before_entry(query: Mapping[str, str]) -> int | None:
    """Return the number below which audit entries are wanted, or None. Raises MalformedRequest."""
    text = query.get("before", "")
    if not text:
        return None
    if not _NUMBER.fullmatch(text) or text == "0":
        raise query_fault("before", "Must be the next_before of the page before")
    return int(text)


def parse_anchor(query: Mapping[str, str]) -> Anchor | None:
    """Return the anchor that the caller kept, or None. Raises MalformedRequest."""
    return _anchor(query, "anchor")


def parse_since(query: Mapping[str, str]) -> Anchor:
    """Return the entry up to which the chain was checked before; its start when none is given.

    Raises:
        MalformedRequest: Not a number, a colon and a hash.
    """
    return _anchor(query, "after") or START


def parse_kind(query: Mapping[str, str]) -> OperationKind | None:
    """Return the kind of operation that is wanted, or None for all. Raises MalformedRequest."""
    text = query.get("kind", "")
    if not text:
        return None
    kind = next((kind for kind in OperationKind if kind.value == text), None)
    if kind is None:
        raise query_fault("kind", "Must be one of " + ", ".join(kind.value for kind in OperationKind))
    return kind


def wants_markdown(query: Mapping[str, str], accept: str | None) -> bool:
    """Whether the caller wants Markdown: `?format=markdown`, or an Accept header that names it and not JSON.

    Raises:
        MalformedRequest: Another format.
    """
    text = query.get("format", "")
    if text not in ("", "json", "markdown"):
        raise query_fault("format", "Must be json or markdown")
    if text:
        return text == "markdown"
    named = [part.partition(";")[0].strip().lower() for part in (accept or "").split(",")]
    return MARKDOWN in named and "application/json" not in named


def _anchor(query: Mapping[str, str], name: str) -> Anchor | None:
    text = query.get(name, "")
    if not text:
        return None
    found = _ANCHOR.fullmatch(text)
    if found is None:
        raise query_fault(name, "Must be SEQUENCE:HASH, as an earlier answer gave it")
    return Anchor(sequence=int(found["sequence"]), hash=found["hash"])
