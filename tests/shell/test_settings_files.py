"""`host.json` and the sample settings are complete and agree with the code."""

import json
import re
from dataclasses import fields
from pathlib import Path

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
    assert len(values) == len(schedules()) == 5


def test_host_json_names_every_durable_option_that_matters() -> None:
    durable = HOST["extensions"]["durableTask"]
    assert durable["overridableExistingInstanceStates"] == "NonRunningStates"
    assert durable["storageProvider"]["partitionCount"] == 1
    assert durable["extendedSessionsEnabled"] is False
    assert {"hubName", "defaultVersion", "maxConcurrentActivityFunctions", "tracing"} <= set(durable)
    assert durable["tracing"]["traceInputsAndOutputs"] is False


def test_sampling_never_drops_events() -> None:
    sampling = HOST["logging"]["applicationInsights"]["samplingSettings"]
    assert "Event" in sampling["excludedTypes"].split(";")


def test_routes_begin_with_api_as_the_runbook_has_them() -> None:
    assert HOST["extensions"]["http"]["routePrefix"] == "api"
