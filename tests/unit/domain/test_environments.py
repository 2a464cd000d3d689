"""The words of the runbook's section 4."""

from shared.domain.environments import Environment, Role


def test_roles_are_spelled_as_the_gateways_settings_spell_them() -> None:
    assert [role.value for role in Role] == ["primary", "dr-standby"]


def test_a_primary_may_run_where_the_control_plane_cannot_ask() -> None:
    assert Environment(name="PRO", dr_cluster="/subscriptions/s/dr").primary_cluster is None
