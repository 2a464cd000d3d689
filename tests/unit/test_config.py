"""Settings are read once; what is wrong with them is told together, and by the name of the variable."""

import json
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

from shared.config import Settings, SettingsFault
from shared.domain.environments import Environment
from shared.domain.policy import Policy


def cluster(name: str) -> str:
    return f"/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/{name}"


GIVEN = {
    "MVDR_ENVIRONMENTS": json.dumps({"PRO": {"dr_cluster": cluster("dr"), "primary_cluster": cluster("primary")}}),
    "MVDR_DATABASE_URL": "postgresql://dr:hunter2@db/gatewaydr",
    "MVDR_TABLES_ENDPOINT": "https://account.table.core.windows.net",
    "MVDR_AUTH_ISSUER": "https://issuer/v2.0",
    "MVDR_AUTH_AUDIENCE": "api://gateway-dr",
    "MVDR_AUTH_TENANT_ID": "tenant",
    "MVDR_AUTH_JWKS_URL": "https://issuer/keys",
}


COUNTS = ["failure_threshold", "recovery_heartbeats"]


def settings(*, without: tuple[str, ...] = (), **changes: str) -> Settings:
    """Return the settings of a sound environment with some variables changed or taken out."""
    return Settings.from_env({key: value for key, value in {**GIVEN, **changes}.items() if key not in without})


def faults(*, without: tuple[str, ...] = (), **changes: str) -> list[str]:
    """Return the lines of the fault that the same settings end with."""
    with pytest.raises(SettingsFault) as caught:
        settings(without=without, **changes)
    title, *lines = str(caught.value).split("\n  ")
    assert title == "settings are not usable:"
    return lines


def variables(lines: list[str]) -> list[str]:
    return sorted(line.partition(":")[0] for line in lines)


def declared(**environments: Any) -> str:
    return json.dumps(environments)


def test_every_setting_is_read_from_its_variable() -> None:
    read = settings(MVDR_DATABASE_POOL_SIZE="12", MVDR_PUBLIC_URL="https://dr.example")

    assert read.database_url == GIVEN["MVDR_DATABASE_URL"]
    assert (read.tables_endpoint, read.tables_connection_string) == (GIVEN["MVDR_TABLES_ENDPOINT"], None)
    assert (read.auth_issuer, read.auth_audience) == (GIVEN["MVDR_AUTH_ISSUER"], GIVEN["MVDR_AUTH_AUDIENCE"])
    assert (read.auth_tenant_id, read.auth_jwks_url) == ("tenant", GIVEN["MVDR_AUTH_JWKS_URL"])
    assert (read.database_pool_size, read.public_url) == (12, "https://dr.example")


def test_what_names_neither_an_endpoint_of_ours_nor_a_secret_has_a_default() -> None:
    read = settings()

    assert (read.database_pool_size, read.arm_url) == (8, "https://management.azure.com")
    assert (read.arm_ca_file, read.identity_client_id, read.public_url) == (None, None, None)
    assert read.protocol_policy() == Policy()


def test_environments_are_declared_with_their_clusters() -> None:
    both = declared(
        PRO={"dr_cluster": cluster("dr"), "primary_cluster": cluster("p"), "rto_target_s": 600},
        NPR={"dr_cluster": cluster("n")},
    )

    assert settings(MVDR_ENVIRONMENTS=both).declared_environments() == {
        "PRO": Environment(name="PRO", dr_cluster=cluster("dr"), primary_cluster=cluster("p"), rto_target_s=600.0),
        "NPR": Environment(name="NPR", dr_cluster=cluster("n"), primary_cluster=None),
    }


def test_variables_of_others_are_none_of_ours() -> None:
    assert settings(PATH="/bin", AzureWebJobsStorage="x", NOT_MVDR_LEASE_S="x") == settings()


def test_an_empty_variable_counts_as_absent() -> None:
    assert settings(MVDR_PUBLIC_URL="", MVDR_LEASE_S="", MVDR_TABLES_CONNECTION_STRING="") == settings()
    assert faults(MVDR_DATABASE_URL="") == ["MVDR_DATABASE_URL: Field required"]


def test_timer_schedules_belong_to_the_host() -> None:
    assert settings(MVDR_HEALTH_MONITOR_SCHEDULE="*/15 * * * * *") == settings()


def test_an_unknown_setting_is_a_fault_that_names_it() -> None:
    assert faults(MVDR_LEASE_SECONDS="60") == ["MVDR_LEASE_SECONDS: Extra inputs are not permitted"]


def test_every_missing_setting_is_named_at_once() -> None:
    needed = set(GIVEN) - {"MVDR_TABLES_ENDPOINT"}

    assert variables(faults(without=tuple(needed))) == sorted(needed)


def test_missing_wrong_and_unknown_settings_are_named_together() -> None:
    lines = faults(
        without=("MVDR_AUTH_ISSUER",),
        MVDR_DATABASE_POOL_SIZE="many",
        MVDR_HEARTBEAT_TIMEOUT_S="two minutes",
        MVDR_TYPO="1",
        MVDR_ENVIRONMENTS="{",
    )

    assert variables(lines) == [
        "MVDR_AUTH_ISSUER",
        "MVDR_DATABASE_POOL_SIZE",
        "MVDR_ENVIRONMENTS",
        "MVDR_HEARTBEAT_TIMEOUT_S",
        "MVDR_TYPO",
    ]


def test_no_kind_of_fault_hides_another() -> None:
    lines = faults(
        without=("MVDR_TABLES_ENDPOINT", "MVDR_DATABASE_URL"),
        MVDR_LEASE_S="200",
        MVDR_NUMBERS="{}",
        MVDR_POLICY="{}",
    )

    assert {"MVDR_DATABASE_URL", "MVDR_NUMBERS", "MVDR_POLICY"} <= set(variables(lines))
    assert any("exactly one of MVDR_TABLES_ENDPOINT and MVDR_TABLES_CONNECTION_STRING" in line for line in lines)
    assert any("lease_s + server_margin_s must not exceed heartbeat_timeout_s" in line for line in lines)


def test_a_number_that_cannot_be_read_and_a_missing_setting_are_named_together() -> None:
    lines = faults(without=("MVDR_DATABASE_URL",), MVDR_LEASE_S="a minute", MVDR_FAILURE_THRESHOLD="2.9")

    assert variables(lines) == ["MVDR_DATABASE_URL", "MVDR_FAILURE_THRESHOLD", "MVDR_LEASE_S"]


@pytest.mark.parametrize("name", ["MVDR_POLICY", "MVDR_NUMBERS"])
@pytest.mark.parametrize("value", ["{}", '{"lease_s": 60}', "x"])
def test_the_numbers_have_a_variable_each_and_none_together(name: str, value: str) -> None:
    with pytest.raises(SettingsFault, match=f"^settings are not usable:\n  {name}: [^\n]+$"):
        Settings.from_env({**GIVEN, name: value})


def test_a_fault_does_not_repeat_a_secret() -> None:
    lines = faults(MVDR_DATABASE_POOL_SIZE="hunter2", MVDR_TABLES_CONNECTION_STRING="AccountKey=hunter2")

    assert lines
    assert "hunter2" not in "\n".join(lines)


@pytest.mark.parametrize("size", ["1", "65", "0", "-8", "8.5"])
def test_a_pool_that_could_not_hold_the_inner_read_is_refused(size: str) -> None:
    assert variables(faults(MVDR_DATABASE_POOL_SIZE=size)) == ["MVDR_DATABASE_POOL_SIZE"]


@pytest.mark.parametrize("size", ["2", "64"])
def test_the_smallest_and_the_largest_pool_are_allowed(size: str) -> None:
    assert settings(MVDR_DATABASE_POOL_SIZE=size).database_pool_size == int(size)


@pytest.mark.parametrize(
    ("without", "changes"),
    [((), {"MVDR_TABLES_CONNECTION_STRING": "UseDevelopmentStorage=true"}), (("MVDR_TABLES_ENDPOINT",), {})],
    ids=["both", "none"],
)
def test_there_is_exactly_one_way_to_the_tables(without: tuple[str, ...], changes: dict[str, str]) -> None:
    (line,) = faults(without=without, **changes)

    assert line.endswith("exactly one of MVDR_TABLES_ENDPOINT and MVDR_TABLES_CONNECTION_STRING is needed")


def test_a_connection_string_is_the_other_way_to_the_tables() -> None:
    read = settings(without=("MVDR_TABLES_ENDPOINT",), MVDR_TABLES_CONNECTION_STRING="UseDevelopmentStorage=true")

    assert (read.tables_endpoint, read.tables_connection_string) == (None, "UseDevelopmentStorage=true")


@pytest.mark.parametrize("name", [field.name for field in fields(Policy)])
def test_every_number_of_the_policy_is_a_setting(name: str) -> None:
    nudged = getattr(Policy(), name) + 1  # small enough to keep every relation, and still seen

    read = Settings.from_env({**GIVEN, f"MVDR_{name.upper()}": str(nudged)})

    assert getattr(read.protocol_policy(), name) == nudged


@pytest.mark.parametrize("name", COUNTS)
def test_counts_are_whole_numbers_and_durations_are_not(name: str) -> None:
    policy = Settings.from_env({**GIVEN, f"MVDR_{name.upper()}": "4", "MVDR_LEASE_S": "59.5"}).protocol_policy()

    assert (getattr(policy, name), type(getattr(policy, name))) == (4, int)
    assert (policy.lease_s, type(policy.lease_s)) == (59.5, float)


def test_numbers_that_are_unsafe_together_are_refused_with_every_relation_they_break() -> None:
    text = "\n".join(faults(MVDR_LEASE_S="20", MVDR_TASK_TIMEOUT_S="200"))

    assert "heartbeat_interval_s + 2 * request_timeout_s must not exceed lease_s" in text
    assert "task_timeout_s must be below heartbeat_timeout_s" in text


@pytest.mark.parametrize("value", ["0", "-1"])
def test_a_duration_that_is_no_duration_is_refused(value: str) -> None:
    assert any("hold_s must be above 0" in line for line in faults(MVDR_HOLD_S=value))


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "Infinity", "1e999", "half an hour"])
def test_a_duration_that_is_no_number_is_refused(value: str) -> None:
    assert faults(MVDR_HOLD_S=value) == ["MVDR_HOLD_S: a number is needed"]


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("value", ["2.9", "3.0", "1e1", "inf", "nan", "three"])
def test_a_count_that_is_no_whole_number_is_refused(name: str, value: str) -> None:
    variable = f"MVDR_{name.upper()}"

    with pytest.raises(SettingsFault, match=f"^settings are not usable:\n  {variable}: a whole number is needed$"):
        Settings.from_env({**GIVEN, variable: value})


@pytest.mark.parametrize(
    ("environments", "variable"),
    [
        (declared(), "MVDR_ENVIRONMENTS"),
        ("[]", "MVDR_ENVIRONMENTS"),
        ("PRO", "MVDR_ENVIRONMENTS"),
        (declared(PRO={}), "MVDR_ENVIRONMENTS.PRO.dr_cluster"),
        (declared(PRO={"dr_cluster": "aks-dr"}), "MVDR_ENVIRONMENTS.PRO.dr_cluster"),
        (declared(PRO={"dr_cluster": cluster("dr") + "/agentPools/x"}), "MVDR_ENVIRONMENTS.PRO.dr_cluster"),
        (
            declared(PRO={"dr_cluster": cluster("dr"), "primary_cluster": "aks"}),
            "MVDR_ENVIRONMENTS.PRO.primary_cluster",
        ),
        (
            declared(PRO={"dr_cluster": cluster("dr"), "rto_target_s": 0}),
            "MVDR_ENVIRONMENTS.PRO.rto_target_s",
        ),
        (declared(PRO={"dr_cluster": cluster("dr"), "region": "x"}), "MVDR_ENVIRONMENTS.PRO.region"),
        (declared(**{"../PRO": {"dr_cluster": cluster("dr")}}), "MVDR_ENVIRONMENTS.../PRO.[key]"),
        (declared(**{"P" * 33: {"dr_cluster": cluster("dr")}}), f"MVDR_ENVIRONMENTS.{'P' * 33}.[key]"),
    ],
)
def test_an_environment_that_is_declared_wrong_is_named(environments: str, variable: str) -> None:
    assert variables(faults(MVDR_ENVIRONMENTS=environments)) == [variable]


ONE = json.dumps({"dr_cluster": cluster("dr")})
TWICE = {
    "environment": (f'{{"PRO": {ONE}, "PRO": {ONE}}}', "PRO stands there twice"),
    "cluster": (f'{{"PRO": {{"dr_cluster": "x", {ONE[1:]}}}', "dr_cluster stands there twice"),
}


@pytest.mark.parametrize("what", TWICE)
def test_what_is_declared_twice_is_refused_because_only_one_of_them_would_count(what: str) -> None:
    environments, said = TWICE[what]

    (line,) = faults(MVDR_ENVIRONMENTS=environments)

    assert line.startswith("MVDR_ENVIRONMENTS: ")
    assert said in line


@pytest.mark.parametrize("spelled", [str.lower, str.upper, lambda text: text.replace("resourceG", "resourceg")])
def test_the_id_of_a_cluster_may_be_in_any_letter_case_as_azure_spells_it(spelled: Callable[[str], str]) -> None:
    given = spelled(cluster("dr"))

    read = settings(MVDR_ENVIRONMENTS=declared(PRO={"dr_cluster": given}))

    assert read.declared_environments()["PRO"].dr_cluster == given


def test_settings_cannot_be_changed_after_they_were_read() -> None:
    with pytest.raises(ValueError, match="frozen"):
        settings().database_url = "postgresql://elsewhere"
