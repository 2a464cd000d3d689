"""A poller is told that nothing changed exactly when nothing but time has."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.web.etags import PASSING, is_known, weak_etag
from shared.web.responses import gateway_health_document
from tests.unit.builders import POLICY, SECOND, T0, failed_snapshot, primary_gateway, steady_snapshot


def health(**changes: object) -> str:
    return weak_etag(gateway_health_document([steady_snapshot(**changes)], POLICY), without=PASSING)


def test_time_alone_changes_no_version_of_gateway_health() -> None:
    assert health() == health(now=T0 + 7 * SECOND)


def test_a_heartbeat_a_verdict_a_holder_and_a_blind_monitor_are_changes() -> None:
    versions = {
        health(),
        health(primary=primary_gateway(last_heartbeat=T0 + SECOND)),
        health(primary=primary_gateway(last_heartbeat=T0 - 300 * SECOND)),
        health(sight=None),
        health(database_reachable=False, mirror=None),
        weak_etag(gateway_health_document([failed_snapshot()], POLICY), without=PASSING),
    }
    assert len(versions) == 6


def test_the_version_does_not_depend_on_the_order_of_members_but_on_that_of_elements() -> None:
    assert weak_etag({"a": 1, "b": 2}) == weak_etag({"b": 2, "a": 1})
    assert weak_etag([1, 2]) != weak_etag([2, 1])
    assert weak_etag({"reason": "x"}) != weak_etag({"reason": "y"})
    assert weak_etag([{"reason": "x"}], without=PASSING) == weak_etag([{"reason": "y"}], without=PASSING)


ETAG = weak_etag({"a": 1})


@pytest.mark.parametrize(
    ("header", "known"),
    [
        (None, False),
        ("", False),
        ("*", True),
        (ETAG, True),
        (ETAG.removeprefix("W/"), True),
        (f'"other", {ETAG}', True),
        ('W/"other"', False),
        (ETAG[:-2] + '"', False),
    ],
)
def test_a_caller_knows_the_version_it_names(header: str | None, known: bool) -> None:
    assert is_known(ETAG, header) is known


def test_a_snapshot_of_another_time_with_the_same_facts_has_the_same_version() -> None:
    seen = steady_snapshot()
    later = replace(seen, now=T0 + 20 * SECOND)
    texts = [weak_etag(gateway_health_document([one], POLICY)) for one in (seen, later)]
    assert texts[0] != texts[1]  # what PASSING is for
