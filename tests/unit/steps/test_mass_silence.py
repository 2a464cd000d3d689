"""Most gateways of several environments fall silent together: nobody is marked, and nobody is afterwards (R12)."""

from shared.domain.events import EventType
from shared.domain.health import Verdict
from shared.domain.operations import OperationKind
from shared.domain.refusals import RefusalCode, Refused
from shared.steps.begin_operation import Begun, begin_operation
from tests.unit.steps.fleet import Fleet


def began(fleet: Fleet, name: str) -> object:
    return begin_operation(fleet.ports, name, OperationKind.FAILOVER, requested_by="jana", reason="region lost")


def test_thirty_minutes_without_ingestion_fail_none_of_two_hundred_gateways_and_page_once() -> None:
    """The canary passes all the while: a firewall in front of the gateways' way in, say."""
    fleet = Fleet(100)
    fleet.silent = set(fleet.names)

    fleet.pass_time(30 * 60)

    assert fleet.marked() == []
    assert set(fleet.verdicts().values()) == {Verdict.UNKNOWN}
    assert len(fleet.events(EventType.MASS_SILENCE_BEGAN)) == 1
    assert fleet.events(EventType.MASS_SILENCE_BEGAN)[0].data["silent"] == 100


def test_gateways_that_come_back_one_by_one_after_a_mass_silence_are_not_marked() -> None:
    fleet = Fleet(100)
    fleet.silent = set(fleet.names)
    fleet.pass_time(30 * 60)

    for name in fleet.names:  # one each three seconds: the last is back five minutes after the first
        fleet.silent.discard(name)
        if int(name[1:]) % 5 == 0:
            fleet.pass_time(15)

    assert fleet.marked() == []
    fleet.pass_time(30 * 60)
    assert fleet.marked() == []
    assert set(fleet.verdicts().values()) == {Verdict.HEALTHY}
    assert fleet.events(EventType.GATEWAY_FAILED) == []
    assert (len(fleet.events(EventType.MASS_SILENCE_BEGAN)), len(fleet.events(EventType.MASS_SILENCE_ENDED))) == (1, 1)


def test_who_does_not_come_back_from_a_mass_silence_is_marked_three_windows_after_its_end() -> None:
    fleet = Fleet(10)
    fleet.silent = set(fleet.names)
    fleet.pass_time(30 * 60)
    fleet.silent = {"E003"}
    fleet.pass_time(15)

    fleet.pass_time(3 * 120 - 30)
    assert fleet.marked() == []
    fleet.pass_time(45)

    assert fleet.marked() == ["E003"]


def test_a_blind_monitor_counts_nothing_and_recovers_without_a_mark() -> None:
    """The same outage where the canary does notice it."""
    fleet = Fleet(100)
    fleet.silent, fleet.canary.up = set(fleet.names), False
    fleet.pass_time(30 * 60)
    assert (fleet.last.sees, fleet.marked()) == (False, [])

    fleet.canary.up = True
    fleet.pass_time(15)
    assert set(fleet.verdicts().values()) == {Verdict.UNKNOWN}
    fleet.silent = set()
    fleet.pass_time(600)

    assert fleet.marked() == []
    assert set(fleet.verdicts().values()) == {Verdict.HEALTHY}


def test_half_of_the_environments_is_not_most_and_two_are_not_several() -> None:
    for environments, silent in ((10, 5), (2, 2)):
        fleet = Fleet(environments)
        fleet.silent = set(fleet.names[:silent])
        fleet.pass_time(400)
        assert fleet.marked() == fleet.names[:silent]


def test_environments_that_fall_silent_one_after_the_other_are_marked() -> None:
    fleet = Fleet(5)
    for name in fleet.names[:4]:
        fleet.silent.add(name)
        fleet.pass_time(400)
    assert fleet.marked() == fleet.names[:4]


def test_people_may_fail_over_one_environment_after_the_other_in_a_mass_silence() -> None:
    """The loss of a region looks the same as ours; who knows better has to be able to act, on all of them."""
    fleet = Fleet(3)
    fleet.silent = set(fleet.names)
    fleet.pass_time(600)
    assert fleet.marked() == []

    for name in fleet.names:
        assert isinstance(began(fleet, name), Begun)
        fleet.pass_time(30)  # the silence of the rest is a mass silence no more

    assert fleet.marked() == fleet.names


def test_in_a_mass_silence_a_gateway_that_still_beats_is_not_failed_over() -> None:
    fleet = Fleet(4)
    fleet.silent = set(fleet.names[:3])
    fleet.pass_time(600)

    refused = began(fleet, "E003")

    assert isinstance(refused, Refused)
    assert refused.code is RefusalCode.PRIMARY_NOT_FAILED
