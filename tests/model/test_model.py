"""What reads the checker's output, and that models, checks and README name the same mutants."""

import re

import pytest

from docs.model.checks import CONFIGURATIONS, LIMITS, MUTANTS, Check, Expected, check_of
from docs.model.run import line, summary
from docs.model.spin import FOLDER, Found, ToolMissing, as_expected, parse, told, tools

FINISHED = """
State-vector 132 byte, depth reached 112, errors: 0
  2190336 states, stored
unreached in proctype table_store
\t/somewhere/monitor.pml:27, state 61, "-end-"
\t(1 of 61 states)
unreached in init
\t(0 of 42 states)
"""

BROKEN = """
pan:1: assertion violated (tx_token[g]>=g_acknowledged) (at depth 27)
State-vector 132 byte, depth reached 27, errors: 1
    62679 states, stored
"""

CYCLE = """
pan:1: acceptance cycle (at depth 34)
State-vector 124 byte, depth reached 43, errors: 1
       21 states, stored (33 visited)
"""

HOLDS = Check(name="S1", model="failover", says="two operations", expected=Expected.HOLDS)
REFUTED = Check(name="M6 S6", model="failover", says="acknowledged early", expected=Expected.REFUTED)
REACHED = Check(name="lines", model="failover", says="every fault", expected=Expected.REACHED)


def table_rows(heading: str) -> dict[str, str]:
    """Return the rows of the README's table under a heading, by their first cell."""
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    section = text.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [row for row in section.splitlines() if re.match(r"\| (?:M|LIMIT )?\d+ \|", row)]
    return {row.split("|")[1].strip(): row for row in rows}


def model_text() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.pml")))


def test_a_finished_search_without_errors_holds() -> None:
    found = parse(FINISHED)
    assert (found.errors, found.states, found.depth, found.complete) == (0, 2190336, 112, True)
    assert as_expected(HOLDS, found)
    assert not as_expected(REFUTED, found)


def test_a_counterexample_has_the_length_of_its_path() -> None:
    found = parse(BROKEN)
    assert (found.errors, found.depth) == (1, 27)
    assert "g_acknowledged" in found.broken
    assert as_expected(REFUTED, found)
    assert not as_expected(HOLDS, found)


def test_a_cycle_counts_as_a_counterexample() -> None:
    assert as_expected(REFUTED, parse(CYCLE))


@pytest.mark.parametrize(
    "gap", ["Warning: Search not completed", "error: max search depth too small", "pan: out of memory"]
)
def test_a_search_that_left_something_out_does_not_hold(gap: str) -> None:
    assert not as_expected(HOLDS, parse(gap + FINISHED))


def test_output_without_figures_is_no_result() -> None:
    with pytest.raises(ValueError, match="not the output of a finished search"):
        parse("pan: killed")


def test_the_end_of_a_process_that_never_ends_need_not_be_reached() -> None:
    assert as_expected(REACHED, parse(FINISHED))


def test_any_other_unreached_line_is_told_and_fails() -> None:
    found = parse(FINISHED.replace('"-end-"', '"(etag_holds[1])"'))
    assert found.unreached == ("monitor.pml:27 in table_store: (etag_holds[1])",)
    assert not as_expected(REACHED, found)
    assert "UNREACHED monitor.pml:27" in line(REACHED, found)


def test_a_line_names_check_figures_and_verdict() -> None:
    found = Found(errors=0, states=2190336, depth=112, complete=True, seconds=3.5)
    assert line(HOLDS, found).split() == ["S1", "2,190,336", "112", "3.50", "holds:", "two", "operations"]


def test_a_mutant_without_counterexample_is_said_to_survive() -> None:
    assert "SURVIVES" in line(REFUTED, Found(errors=0, states=1, depth=1, complete=True))


def test_a_broken_property_is_said_to_be_broken() -> None:
    assert "BROKEN (assertion violated" in line(HOLDS, parse(BROKEN))


def test_a_search_that_failed_shows_why() -> None:
    assert "NOT FINISHED" in line(HOLDS, "no space left")
    assert line(HOLDS, "no space left").endswith("no space left")


def test_the_last_line_counts_mutants_and_failures() -> None:
    text = summary(states=7, wrong=2, seconds=61.2)
    assert f"{len(MUTANTS)} mutants" in text
    assert "2 not as expected, 61 s" in text


def test_a_story_has_names_for_numbers() -> None:
    replay = "  spin: noise\n   > lock: holder 1, token 2, written by 3\n > gateway 0: claim commits under token 1\n"
    assert told(replay) == [
        "lock: holder DR gateway, token 2, by the monitor",
        "primary: claim commits under token 1",
    ]


def test_without_the_tools_people_are_told_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(ToolMissing, match="apt-get install spin"):
        tools()


def test_every_mutant_has_a_number_of_its_own() -> None:
    numbers = [mutant.number for mutant in MUTANTS]
    assert len(numbers) == len(set(numbers))
    assert len(numbers) >= 14


def test_models_checks_and_readme_name_the_same_mutants() -> None:
    in_models = {int(number) for number in re.findall(r"MUTANT [!=]= (\d+)\b", model_text())} - {0}
    in_readme = {int(cell.removeprefix("M")) for cell in table_rows("Mutants")}
    in_checks = {mutant.number for mutant in MUTANTS}
    assert in_models == in_checks
    assert in_readme == in_checks


def test_the_readme_says_of_each_mutant_what_it_removes_and_what_breaks() -> None:
    rows = table_rows("Mutants")
    for mutant in MUTANTS:
        cells = [cell.strip() for cell in rows[f"M{mutant.number}"].split("|")]
        assert cells[2:4] == [mutant.removed, mutant.breaks]


def test_models_checks_and_readme_name_the_same_limits() -> None:
    in_models = {f"LIMIT {number}" for number in re.findall(r"LIMIT [!=]= (\d+)\b", model_text())}
    assert in_models == {limit.name for limit in LIMITS}
    assert set(table_rows("Limits")) == in_models


def test_every_configuration_has_its_row_in_the_readme() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    for check in CONFIGURATIONS:
        assert f"| {check.says} |" in text


def test_a_safety_mutant_is_checked_against_its_own_property_only() -> None:
    for mutant in MUTANTS:
        check = check_of(mutant)
        assert f"MUTANT={mutant.number}" in check.defines
        assert (f"CHECK={mutant.breaks[1:]}" in check.defines) == mutant.breaks.startswith("S")
        assert (check.claim == mutant.breaks) == mutant.breaks.startswith("L")


def test_every_property_is_broken_by_some_mutant() -> None:
    named = {f"S{number}" for number in range(1, 13)} | {"L1", "L2", "L3", "E1", "E2"}
    assert {mutant.breaks for mutant in MUTANTS} == named
