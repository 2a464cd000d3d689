"""Naming a gateway on the command line."""

import pytest

from devhost.lab.names import GATEWAYS, UnknownGateway, of_cluster, resolve


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["gw-pro-primary"], "gw-pro-primary"),
        (["pro-primary"], "gw-pro-primary"),
        (["primary", "PRO"], "gw-pro-primary"),
        (["PRO", "primary"], "gw-pro-primary"),
        (["Primary Npr"], "gw-npr-primary"),
        (["gw-npr-dr"], "gw-npr-dr"),
        (["dr", "NPR"], "gw-npr-dr"),
        (["dr-standby", "pro"], "gw-pro-dr"),
    ],
)
def test_every_short_name_means_one_gateway(words: list[str], meant: str) -> None:
    assert resolve(words).id == meant


@pytest.mark.parametrize("words", [["primary"], ["pro"], ["gw-dev-primary"], [""], ["pro", "primary", "dr"]])
def test_a_name_that_means_none_or_several_is_refused_with_the_list(words: list[str]) -> None:
    with pytest.raises(UnknownGateway) as refusal:
        resolve(words)
    assert all(gateway.id in str(refusal.value) for gateway in GATEWAYS)


def test_a_cluster_finds_its_gateway_in_any_case_of_the_id() -> None:
    for gateway in GATEWAYS:
        assert of_cluster(gateway.cluster.upper()) is gateway
    assert of_cluster("/subscriptions/other") is None
