"""Conditional requests (RFC 9110, section 13): a change names the version it is a change of, a read the one it has."""

import re
from collections.abc import Callable
from typing import Final

from shared.domain.faults import MalformedRequest, PreconditionMissing

_TAG: Final = re.compile(r'(?P<weak>W/)?"(?P<version>[\x21\x23-\x7e]{0,128})"')
MOST_TAGS: Final = 16


def entity_tag(version: str) -> str:
    """Return the value of the ETag header."""
    return f'"{version}"'


def parse_if_match(header: str | None) -> Callable[[str], bool]:
    """Return what tells whether a version is one that the caller has read; `*` accepts any.

    Weak tags never match here: they promise no more than likeness.

    Raises:
        PreconditionMissing: There is no If-Match.
        MalformedRequest: It is no list of entity tags.
    """
    if header is None or not header.strip():
        raise PreconditionMissing("A change needs If-Match with the ETag of what it changes")
    if header.strip() == "*":
        return lambda _: True
    strong = {version for version, weak in _tags("If-Match", header) if not weak}
    return lambda version: version in strong


def has_version(if_none_match: str | None, version: str) -> bool:
    """Whether the caller of a read has this version already; a header that makes no sense is none."""
    if if_none_match is None:
        return False
    if if_none_match.strip() == "*":
        return True
    try:
        return version in {known for known, _ in _tags("If-None-Match", if_none_match)}
    except MalformedRequest:
        return False


def _tags(name: str, header: str) -> list[tuple[str, bool]]:
    found = [_TAG.fullmatch(part.strip()) for part in header.split(",")]
    tags = [(tag["version"], tag["weak"] is not None) for tag in found if tag]
    if len(tags) != len(found) or len(tags) > MOST_TAGS:
        raise MalformedRequest(f"{name} is not valid", ((name, 'Must be an entity tag such as "3f2a"'),))
    return tags
