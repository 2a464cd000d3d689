"""`host.json` and the sample settings are complete and agree with the code."""

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

from shared.config import PREFIX, Settings
from shared.domain.policy import Policy

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = json.loads((ROOT / "local.settings.sample.json").read_text(encoding="utf-8"))
HOST = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))


def schedules() -> set[str]:
    """Return the schedule settings that the triggers name."""
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "functions").glob("*.py"))
    return set(re.findall(r"%(MVDR_\w+_SCHEDULE)%", sources))


def test_the_sample_names_every_setting_and_no_other() -> None:
    expected = {PREFIX + name.upper() for name in Settings.model_fields if name != "numbers"}
    expected |= {PREFIX + field.name.upper() for field in fields(Policy)}
    expected |= schedules()
    expected |= {"FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsStorage"}
    assert set(SAMPLE["Values"]) == expected


def test_the_sample_is_accepted_and_shows_the_defaults() -> None:
    chosen = Settings.from_env(SAMPLE["Values"])
    assert chosen.protocol_policy() == Policy()


def test_the_sample_is_not_encrypted_so_that_the_tools_can_read_it() -> None:
    assert SAMPLE["IsEncrypted"] is False


def test_the_schedules_are_staggered_so_that_they_do_not_start_together() -> None:
    values = {SAMPLE["Values"][name] for name in schedules()}
    assert len(values) == len(schedules()) == 6


def options(tree: dict[str, Any], path: str = "") -> dict[str, object]:
    """Return every value of host.json by its dotted path."""
    found: dict[str, object] = {}
    for key, value in tree.items():
        name = f"{path}.{key}" if path else key
        found |= options(value, name) if isinstance(value, dict) else {name: value}
    return found


def reviewed() -> dict[str, object]:
    """Return the table of ADR 0018: option and value."""
    (page,) = (ROOT / "docs" / "adr").glob("0018-*.md")
    rows = re.findall(r"^\| `([\w.]+)` \| `([^`]+)` \| .+ \| .+ \|$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(dict(rows)) == len(rows)
    return {option: json.loads(value) for option, value in rows}


def test_host_json_says_what_was_reviewed_and_nothing_else() -> None:
    """After a wanted change: change the row of ADR 0018 and its reason as well."""
    assert options(HOST) == reviewed()


def test_the_app_settings_for_the_scheduler_override_what_is_in_host_json() -> None:
    """A path with a slip in it would be a new option that nobody reads."""
    (page,) = (ROOT / "docs" / "adr").glob("0018-*.md")
    names = set(re.findall(r"`AzureFunctionsJobHost__(\w+)`", page.read_text(encoding="utf-8")))
    paths = {name.replace("__", ".") for name in names if name}
    provider = {path.rpartition(".")[0] for path in paths}
    assert provider == {"extensions.durableTask.storageProvider"}
    assert f"{provider.pop()}.type" in options(HOST).keys() & paths
