"""The parts of host.json, local.settings.json and the environment that shape a local host.

Keys and defaults follow Microsoft's "host.json reference" and "Durable Functions settings in host.json".
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devhost.host.timespan import TimeSpanError, parse_timespan

_OVERRIDE_PREFIX = "AzureFunctionsJobHost__"
_REFERENCE = re.compile(r"%([^%]+)%")


class SettingsError(Exception):
    """A settings file or value cannot be used; the text names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSettings:
    """What the host reads from host.json; `function_timeout_s` None means no limit."""

    route_prefix: str
    hub_name: str
    default_version: str | None
    replaces_any_state: bool
    max_activities: int
    max_orchestrators: int
    function_timeout_s: float | None


def read_settings(app_dir: Path, environment: MutableMapping[str, str]) -> HostSettings:
    """The settings of the application in `app_dir`; local.settings.json is merged into `environment` first.

    A value already in the environment wins over the file, as with Core Tools. SettingsError for a missing host.json,
    for JSON that is not strict (the Durable library parses it strictly too) and for values of the wrong kind.
    """
    _merge_local_settings(app_dir / "local.settings.json", environment)
    tree = _json_object(app_dir / "host.json")
    _override(tree, environment)
    cores = os.cpu_count() or 1
    durable = _Section(_dig(tree, "extensions", "durableTask"), environment)
    http = _Section(_dig(tree, "extensions", "http"), environment)
    return HostSettings(
        route_prefix=(http.text("routePrefix") or "").strip("/") if "routePrefix" in http else "api",
        hub_name=durable.text("hubName") or "TestHubName",
        default_version=durable.text("defaultVersion"),
        replaces_any_state=(durable.text("overridableExistingInstanceStates") or "").lower() == "anystate",
        max_activities=durable.number("maxConcurrentActivityFunctions", 10 * cores),
        max_orchestrators=durable.number("maxConcurrentOrchestratorFunctions", 10 * cores),
        function_timeout_s=_timeout_s(_Section(tree, environment).text("functionTimeout") or "00:30:00"),
    )


def resolve(text: str, environment: Mapping[str, str]) -> str:
    """`text` with every `%NAME%` replaced by that app setting. SettingsError if one is not set."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in environment:
            raise SettingsError(f"'%{match[1]}%' does not resolve to a value: no such app setting")
        return environment[match[1]]

    return _REFERENCE.sub(value, text)


def disabled(function: str, environment: Mapping[str, str]) -> bool:
    """Whether an app setting switches this function off."""
    names = (f"AzureWebJobs.{function}.Disabled", f"AzureWebJobs__{function}__Disabled")
    return any(environment.get(name, "").lower() in ("true", "1") for name in names)


class _Section:
    """One object of host.json, read without regard to the case of its keys."""

    def __init__(self, values: Mapping[str, Any], environment: Mapping[str, str]) -> None:
        self._values = {key.lower(): value for key, value in values.items()}
        self._environment = environment

    def __contains__(self, key: str) -> bool:
        return key.lower() in self._values

    def text(self, key: str) -> str | None:
        value = self._values.get(key.lower())
        return None if value is None else resolve(str(value), self._environment)

    def number(self, key: str, default: int) -> int:
        text = self.text(key)
        if text is None:
            return default
        if not text.isdecimal() or int(text) < 1:
            raise SettingsError(f"host.json: {key} must be a whole number above zero, not {text!r}")
        return int(text)


def _merge_local_settings(path: Path, environment: MutableMapping[str, str]) -> None:
    if not path.exists():
        return
    content = _json_object(path)
    if content.get("IsEncrypted"):
        raise SettingsError(f"{path}: encrypted settings cannot be read; set IsEncrypted to false")
    values = content.get("Values", {})
    for name, value in values.items():
        if not isinstance(value, str):
            raise SettingsError(f"{path}: the value of {name} must be a string")
        environment.setdefault(name, value)


def _json_object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SettingsError(f"{path} is missing") from error
    except ValueError as error:
        raise SettingsError(f"{path} is not strict JSON: {error}") from error
    if not isinstance(content, dict):
        raise SettingsError(f"{path} must hold a JSON object")
    return content


def _override(tree: dict[str, Any], environment: Mapping[str, str]) -> None:
    for name, value in environment.items():
        if not name.lower().startswith(_OVERRIDE_PREFIX.lower()):
            continue
        *parents, last = name[len(_OVERRIDE_PREFIX) :].split("__")
        node = tree
        for part in parents:
            node = node.setdefault(_present(node, part), {})
            if not isinstance(node, dict):
                raise SettingsError(f"the app setting {name} reaches into a host.json value that is not an object")
        node[_present(node, last)] = value


def _present(node: Mapping[str, Any], key: str) -> str:
    return next((name for name in node if name.lower() == key.lower()), key)


def _dig(tree: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    node: Any = tree
    for key in keys:
        node = node.get(_present(node, key), {})
        if not isinstance(node, dict):
            raise SettingsError(f"host.json: {key} must be an object")
    return node  # type: ignore[no-any-return]


def _timeout_s(text: str) -> float | None:
    if text == "-1":
        return None
    try:
        return parse_timespan(text).total_seconds()
    except TimeSpanError as error:
        raise SettingsError(f"host.json: functionTimeout: {error}") from error
