"""JSON that means the same to every reader: UTF-8, no duplicate member, no number that is none, no endless nesting.

Two readers of a document with a duplicate member may each see another value, so that what one has checked is not what
the other carries out (RFC 8259, section 4). The standard library and pydantic both take the last one silently.
"""

import json
import math
import re
from typing import Any, Final

DEEPEST: Final = 32
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


class NotStrictJson(ValueError):
    """The document is refused; the text says why and never repeats a value."""


def parse_strict(raw: bytes) -> Any:
    """Return the parsed document.

    Raises:
        NotStrictJson: Not UTF-8 without a byte order mark, not JSON, a member twice in one object, a number that is
            not finite, deeper than `DEEPEST`, or text that no store takes: NUL, or half of a surrogate pair.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise NotStrictJson("not UTF-8") from None
    try:
        document = json.loads(
            text, object_pairs_hook=_without_duplicates, parse_constant=_no_constant, parse_float=_finite
        )
    except json.JSONDecodeError as fault:
        raise NotStrictJson(f"not JSON: {fault.msg} at line {fault.lineno} column {fault.colno}") from None
    except RecursionError:
        raise NotStrictJson(f"nested deeper than {DEEPEST}") from None
    except NotStrictJson:
        raise
    except ValueError:  # an integer of thousands of digits
        raise NotStrictJson("a number is too long") from None
    _check(document)
    return document


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise NotStrictJson(f"member {twice[:64]!r} appears twice")
    return members


def _no_constant(name: str) -> Any:
    raise NotStrictJson(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise NotStrictJson("a number is too large")
    return number


def _check(document: Any) -> None:
    level, depth = [document], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise NotStrictJson(f"nested deeper than {DEEPEST}")
        if any(isinstance(one, str) and _UNSTORABLE.search(one) for one in level):
            raise NotStrictJson("text contains NUL or half of a surrogate pair")
        level = [child for one in level for child in _children(one)]


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    return value if isinstance(value, list) else []
