"""Match request paths the way the Azure Functions host does.

The host keeps a classic ASP.NET route collection: functions sorted by name without regard to case, the first match
wins, there is no precedence of literals over parameters, and a wrong verb or a failed constraint is simply no match.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from devhost.host.constraints import Constraint, parse_constraint
from devhost.host.loader import HTTP, HostedFunction, LoadError


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One `{…}` of a template."""

    name: str
    constraints: tuple[Constraint, ...]
    optional: bool
    default: str | None
    catch_all: bool

    @property
    def may_be_absent(self) -> bool:
        """Whether the path may end before this parameter."""
        return self.optional or self.default is not None or self.catch_all


Segment = tuple[str | Parameter, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A template and the verbs it answers; None means every verb."""

    function: HostedFunction
    verbs: frozenset[str] | None
    segments: tuple[Segment, ...]


class Router:
    """The HTTP functions of an application."""

    def __init__(self, functions: Sequence[HostedFunction], prefix: str) -> None:
        """LoadError for a template that cannot be parsed."""
        by_name = sorted(functions, key=lambda function: function.name.lower())
        self._routes = [_route(function, prefix) for function in by_name if function.trigger_type == HTTP]

    def match(self, verb: str, raw_path: str) -> tuple[HostedFunction, dict[str, str]] | None:
        """The function for this request and its route parameters, or None. `raw_path` is still percent-encoded."""
        parts = [unquote(part) for part in raw_path.strip("/").split("/")] if raw_path.strip("/") else []
        for route in self._routes:
            if route.verbs is not None and verb.upper() not in route.verbs:
                continue
            values = _match(route.segments, parts)
            if values is not None:
                return route.function, values
        return None


def _route(function: HostedFunction, prefix: str) -> Route:
    trigger = function.trigger
    template = "/".join(part for part in (prefix, (trigger.route or function.name).strip("/")) if part)
    verbs = None
    if trigger.methods:
        verbs = frozenset(str(getattr(method, "value", method)).upper() for method in trigger.methods)
    try:
        return Route(function=function, verbs=verbs, segments=parse_template(template))
    except ValueError as error:
        raise LoadError(f"function {function.name}: route {template!r}: {error}") from error


def parse_template(template: str) -> tuple[Segment, ...]:
    """The segments of an ASP.NET route template. ValueError if it is malformed."""
    segments: list[list[str | Parameter]] = [[]]
    position = 0
    while position < len(template):
        character = template[position]
        if character == "/":
            segments.append([])
            position += 1
        elif character == "{" and template[position : position + 2] != "{{":
            text, position = _braced(template, position)
            segments[-1].append(_parameter(text))
        else:
            match = re.compile(r"(?:\{\{|\}\}|[^/{])+").match(template, position)
            if match is None:
                raise ValueError("unbalanced braces")
            segments[-1].append(match[0].replace("{{", "{").replace("}}", "}"))
            position = match.end()
    if any(not segment for segment in segments[:-1]):
        raise ValueError("empty segment")
    return tuple(tuple(segment) for segment in segments if segment)


def _braced(template: str, start: int) -> tuple[str, int]:
    match = re.compile(r"\{((?:\{\{|\}\}|[^{}])*)\}").match(template, start)
    if match is None:
        raise ValueError("unbalanced braces")
    return match[1].replace("{{", "{").replace("}}", "}"), match.end()


def _parameter(text: str) -> Parameter:
    match = re.fullmatch(r"(?P<star>\*{0,2})(?P<name>\w+)(?P<rest>.*)", text, re.DOTALL)
    if match is None:
        raise ValueError(f"{text!r} is not a parameter")
    rest, default, optional = match["rest"], None, False
    if rest.endswith("?"):
        rest, optional = rest[:-1], True
    # A default follows the constraints, outside any parentheses.
    assigned = re.fullmatch(r"(?P<constraints>(?::\w+(?:\((?:[^()]|\([^()]*\))*\))?)*)=(?P<default>.*)", rest)
    if assigned:
        rest, default = assigned["constraints"], assigned["default"]
    constraints = [parse_constraint(part) for part in _split_constraints(rest)]
    return Parameter(
        name=match["name"],
        constraints=tuple(constraints),
        optional=optional,
        default=default,
        catch_all=bool(match["star"]),
    )


def _split_constraints(text: str) -> list[str]:
    parts: list[str] = []
    depth = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if character == ":" and depth == 0:
            parts.append("")
        elif parts:
            parts[-1] += character
        else:
            raise ValueError(f"unexpected {text!r} in a parameter")
    return parts


def _match(segments: Sequence[Segment], parts: Sequence[str]) -> dict[str, str] | None:
    values: dict[str, str] = {}
    for index, segment in enumerate(segments):
        first = segment[0]
        if isinstance(first, Parameter) and first.catch_all:
            return _take(first, "/".join(parts[index:]), values)
        if index >= len(parts):
            if not (len(segment) == 1 and isinstance(first, Parameter) and first.may_be_absent):
                return None
            if first.default is not None:
                values[first.name] = first.default
        elif _match_segment(segment, parts[index], values) is None:
            return None
    return values if len(parts) <= len(segments) else None


def _match_segment(segment: Segment, part: str, values: dict[str, str]) -> dict[str, str] | None:
    pattern = "".join(
        f"(?P<{piece.name}>.+)" if isinstance(piece, Parameter) else re.escape(piece) for piece in segment
    )
    match = re.fullmatch(pattern, part, re.IGNORECASE | re.DOTALL)
    if match is None:
        return None
    for piece in segment:
        if isinstance(piece, Parameter) and _take(piece, match[piece.name], values) is None:
            return None
    return values


def _take(parameter: Parameter, value: str, values: dict[str, str]) -> dict[str, str] | None:
    if not value and parameter.catch_all:
        return values
    if not all(accepts(value) for accepts in parameter.constraints):
        return None
    values[parameter.name] = value
    return values
