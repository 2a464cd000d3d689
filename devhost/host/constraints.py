"""The inline route constraints of ASP.NET: which texts `{name:constraint}` accepts.

Names and meanings follow Microsoft's "Attribute Routing in ASP.NET Web API 2", section "Route Constraints".
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import datetime

Constraint = Callable[[str], bool]

_INTEGER = re.compile(r"[+-]?\d+")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)


def parse_constraint(text: str) -> Constraint:
    """The test for one constraint such as `int` or `length(2,5)`. ValueError if there is no such constraint."""
    match = re.fullmatch(r"(?P<name>\w+)(?:\((?P<arguments>.*)\))?", text, re.DOTALL)
    if match is None:
        raise ValueError(f"{text!r} is not a constraint")
    name, arguments = match["name"].lower(), match["arguments"]
    if arguments is None and name in _PLAIN:
        return _PLAIN[name]
    if name == "regex" and arguments is not None:
        pattern = re.compile(arguments, re.IGNORECASE)
        return lambda value: pattern.search(value) is not None
    if name in _WITH_NUMBERS and arguments is not None:
        return _WITH_NUMBERS[name](*(int(argument) for argument in arguments.split(",")))
    raise ValueError(f"there is no route constraint {text!r}")


def _integer(bits: int) -> Constraint:
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    return lambda value: _INTEGER.fullmatch(value) is not None and low <= int(value) <= high


def _datetime(value: str) -> bool:
    for form in ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%m/%d/%Y", "%m/%d/%Y %H:%M:%S"):
        try:
            datetime.strptime(value, form)  # noqa: DTZ007 - only the form matters
        except ValueError:
            continue
        return True
    return False


def _guid(value: str) -> bool:
    try:
        uuid.UUID(value)
    except ValueError:
        return False
    return True


def _number(value: str) -> bool:
    return _NUMBER.fullmatch(value) is not None


def _length(low: int, high: int | None = None) -> Constraint:
    upper = low if high is None else high
    return lambda value: low <= len(value) <= upper


def _between(low: int, high: int) -> Constraint:
    return lambda value: _integer(64)(value) and low <= int(value) <= high


_PLAIN: dict[str, Constraint] = {
    "int": _integer(32),
    "long": _integer(64),
    "bool": lambda value: value.lower() in ("true", "false"),
    "datetime": _datetime,
    "decimal": _number,
    "double": _number,
    "float": _number,
    "guid": _guid,
    "alpha": lambda value: re.fullmatch(r"[a-z]*", value, re.IGNORECASE) is not None,
    "required": lambda value: value != "",
}

_WITH_NUMBERS: dict[str, Callable[..., Constraint]] = {
    "length": _length,
    "minlength": lambda low: lambda value: len(value) >= low,
    "maxlength": lambda high: lambda value: len(value) <= high,
    "min": lambda low: _between(low, 2**63 - 1),
    "max": lambda high: _between(-(2**63), high),
    "range": _between,
}
