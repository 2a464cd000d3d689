"""What the configuration says about the product is what the product's code says."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from shared.adapters.tables import TABLES
from shared.config import POLICY_NAMES, PREFIX, Settings
from shared.web.routes import HEARTBEAT, LIVE
from tests.terraform.rules_alerts import CATALOGUES
from tests.terraform.rules_app import app_settings
from tests.terraform.tree import TERRAFORM, blocks, one_local, texts, values_of
from tests.tidy.tree import ROOT

# An emulator's connection string and an emulated Resource Manager's certificate have no place in Azure.
LAB_ONLY = {"MVDR_TABLES_CONNECTION_STRING", "MVDR_ARM_CA_FILE"}
LOG = TERRAFORM / "modules" / "policy" / "alerts.log.tf"


def test_the_app_settings_are_the_ones_the_product_knows() -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields if name != "numbers"}
    sample = json.loads((ROOT / "local.settings.sample.json").read_text(encoding="utf-8"))["Values"]
    schedules = {name for name in sample if name.endswith("_SCHEDULE")}
    assert schedules
    own = {name for name in app_settings(texts()) if name.startswith(PREFIX)}
    assert own == (known | schedules) - LAB_ONLY


def test_host_storage_is_named_by_exactly_three_settings() -> None:
    host = {name for name in app_settings(texts()) if "AzureWebJobsStorage" in name}
    assert host == {f"AzureWebJobsStorage__{part}" for part in ("accountName", "credential", "clientId")}


def test_every_number_of_the_protocol_can_be_set_and_no_other() -> None:
    assert one_local(texts(), "modules/policy", "protocol_names") == list(POLICY_NAMES)


def test_the_tables_are_the_products() -> None:
    assert sorted(one_local(texts(), "", "tables")) == sorted(TABLES)


def test_the_task_hub_is_the_one_of_host_json() -> None:
    host = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))
    assert one_local(texts(), "", "task_hub") == host["extensions"]["durableTask"]["hubName"]


def test_log_alerts_look_for_events_that_the_product_logs() -> None:
    code = "\n".join(
        p.read_text(encoding="utf-8") for top in ("shared", "functions") for p in (ROOT / top).rglob("*.py")
    )
    logged = set(re.findall(r'\b(?:log|warn|fault)\(\s*"([a-z_]+\.[a-z_]+)"', code))
    asked = set(re.findall(r'"([a-z_]+\.[a-z_]+)"', LOG.read_text(encoding="utf-8")))
    assert asked
    assert asked <= logged


def test_log_alerts_look_for_functions_that_exist() -> None:
    names = set(re.findall(r'OperationName == "(\w+)"', LOG.read_text(encoding="utf-8")))
    monitor = (ROOT / "functions" / "health_monitor.py").read_text(encoding="utf-8")
    assert names == {"health_monitor", HEARTBEAT.name}
    assert '@bp.function_name("health_monitor")' in monitor


def test_alerts_look_at_paths_that_exist() -> None:
    assert HEARTBEAT.path.format(gateway_id="${var.primary_gateway_id}") in LOG.read_text(encoding="utf-8")
    test = next(iter(blocks(texts(), "resource", "azurerm_application_insights_standard_web_test")))
    assert test.body["request"][0]["url"] == f"https://${{var.hostname}}/api/{LIVE.path}"


def test_the_catalogue_has_as_many_rules_as_the_terraform_test_counts() -> None:
    rules = sum(len(one_local(texts(), "modules/policy", part)) for part in CATALOGUES) + 1
    counted = re.search(r"rule_properties\) == (\d+)", (TERRAFORM / "tests" / "outcome.tftest.hcl").read_text("utf-8"))
    assert counted
    assert int(counted[1]) == rules


def examples(environment: str) -> dict[str, Any]:
    return values_of((TERRAFORM / "env" / f"{environment}.tfvars").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("test", "environment"), [("npr", "npr"), ("pro", "pro"), ("outcome", "pro"), ("refused", "npr")]
)
def test_terraform_tests_run_on_the_example_values(test: str, environment: str) -> None:
    tested = values_of((TERRAFORM / "tests" / f"{test}.tftest.hcl").read_text(encoding="utf-8"))["variables"]
    assert tested == [examples(environment)]


@pytest.mark.parametrize("environment", ["npr", "pro"])
def test_example_values_are_variables_and_complete(environment: str) -> None:
    variables = {b.labels[0]: b.body for b in blocks(texts(), "variable") if b.module == ""}
    given = examples(environment)
    assert given.keys() <= variables.keys()
    assert {name for name, body in variables.items() if "default" not in body} <= given.keys()
    assert given["environment"] == environment.upper()


@pytest.mark.parametrize("environment", ["npr", "pro"])
def test_both_tests_of_an_environment_try_both_backends_with_and_without_private_endpoints(environment: str) -> None:
    runs = values_of((TERRAFORM / "tests" / f"{environment}.tftest.hcl").read_text(encoding="utf-8"))["run"]
    tried = {
        (inner["variables"][0]["durable_backend"], inner["variables"][0]["private_endpoints"])
        for entry in runs
        for inner in entry.values()
    }
    assert tried == {(b, p) for b in ("azure_storage", "durable_task_scheduler") for p in (True, False)}
