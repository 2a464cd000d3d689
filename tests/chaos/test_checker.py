"""The judge finds each broken promise in a history told by hand, and nothing in honest ones."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from devhost.chaos.checker import RULES, check
from tests.chaos.stories import D, P, Story, closed, handed_over

ROOT = Path(__file__).resolve().parents[2]
JUDGE = ("checker", "events", "findings", "rules_of_holders", "rules_of_tasks")
Telling = Callable[[Story], object]

HONEST: dict[str, Telling] = {
    "a hand-over": lambda s: s.wait(1),
    "a repeated completion": lambda s: s.complete(D, 20, "after", outcome="repeated"),
    "a late completion that is refused": lambda s: s.complete(P, 10, "after", outcome="refused", status="failed"),
    "an operation that is refused": lambda s: s.operation("failback", None, heard="refused", code="NotFailedOver"),
    "an operation that fails and is listed": lambda s: (
        s.operation_listed(s.operation("failback", None, heard="failed"))
    ),
    "an unknown operation that is listed": lambda s: s.operation_listed(s.operation("failback", None, heard="unknown")),
    "a token nobody was told of, then a failback": lambda s: (
        s.lease(D, 30), s.operation("failback", 40), s.lease(P, 40)
    ),
    "a call under the old token on its way during the failback": lambda s: s.crossing_lease(D, 20, "failback", 30),
    "a task in doubt that a person declares done": lambda s: (
        s.queue("held"), s.claim(D, 20, "held"), s.resolve("held", "done"), s.listed("held", D)
    ),
    "a task that a person retries": lambda s: (
        s.queue("held"), s.claim(D, 20, "held"), s.resolve("held", "retry"), s.work(D, 20, "held", 2),
        s.listed("held", D, 2),
    ),
    "a decision that the database has forgotten, and a completion since": lambda s: (
        s.queue("held"), s.claim(D, 20, "held"), s.lost_with("database", lambda: s.resolve("held", "done")),
        s.work(D, 20, "held", 2), s.listed("held", D, 2),
    ),
    "a decision without an answer that has not counted": lambda s: (
        s.queue("held"), s.claim(D, 20, "held"), s.resolve("held", "done", heard="unknown"), s.work(D, 20, "held", 2),
        s.listed("held", D, 2),
    ),
    "a completion without an answer that has counted": lambda s: (
        s.queue("mute"), s.claim(D, 20, "mute"), s.complete(D, 20, "mute", outcome="unanswered"), s.listed("mute", D)
    ),
    "an effect that outlives its lease because its gateway was stopped": lambda s: s.two_at_once(stopped_ms=900),
    "a completion that the database has forgotten, done again": lambda s: (
        s.queue("redone"), s.lost_with("database", lambda: s.work(D, 20, "redone")), s.work(D, 20, "redone"),
        s.listed("redone", D),
    ),
    "a task that the database has forgotten, queued again": lambda s: (
        s.lost_with("database", lambda: s.queue("first", key="k")), s.queue("second", key="k"),
        s.work(D, 20, "second"), s.listed("second", D),
    ),
    "an older authority, restored before anybody works": lambda s: (
        s.moves_twice_and_forgets(), s.wait(5000), s.operation("restore", 60), s.lease(D, 60)
    ),
    "an older authority while nobody can have reached it": lambda s: (s.moves_twice_and_forgets(), s.lease(D, 50)),
    "a copy of the authority that nothing has overtaken": lambda s: (
        s.lost_with("tables", lambda: s.wait(1)), s.wait(5000), s.lease(D, 20)
    ),
}  # fmt: skip

BROKEN: dict[str, tuple[str, Telling]] = {
    "a token for two gateways": ("one gateway per token", lambda s: s.lease(P, 20)),
    "a token that goes back": ("tokens never go back", lambda s: (s.lease(D, 30), s.lease(D, 20))),
    "a claim under an older token than a lease": (
        "tokens never go back",
        lambda s: (s.queue("t"), s.lease(D, 30), s.claim(D, 20, "t"), s.resolve("t", "done"), s.listed("t", D)),
    ),
    "a lease after the acknowledgement": (
        "nothing under a superseded token", lambda s: (s.operation("failback", 30), s.lease(D, 20))
    ),
    "a completion after the acknowledgement": (
        "nothing under a superseded token",
        lambda s: (
            s.queue("t"), s.claim(D, 20, "t"), s.operation("failback", 30), s.complete(D, 20, "t"), s.listed("t", D),
        ),
    ),
    "work of a gateway that was taken out": (
        "nothing under a superseded token", lambda s: (s.operation("deactivate", 30), s.lease(D, 20))
    ),
    "an acknowledgement under an older token": ("acknowledged tokens rise", lambda s: s.operation("failback", 15)),
    "two operations under one token": ("operations share no token", lambda s: s.operation("failback", 20)),
    "a yes to act after the next holder had one": (
        "nobody acts after a newer holder", lambda s: (s.forgotten_claim(P, 10, "t"), s.effect(P, 10, "t"))
    ),
    "two at work at once, neither of them stopped": (
        "effects overlap within the margins", lambda s: s.two_at_once(stopped_ms=100)
    ),
    "a lease on a regressed authority": (
        "nothing works on a regressed authority", lambda s: (s.moves_twice_and_forgets(), s.wait(5000), s.lease(D, 50))
    ),
    "a failover on a regressed authority": (
        "nothing works on a regressed authority",
        lambda s: (s.moves_twice_and_forgets(), s.wait(5000), s.operation("failover", 60)),
    ),
    "a refused operation that is there": (
        "refusals leave nothing",
        lambda s: s.operation_listed(s.operation("failback", None, heard="refused", code="OperationInProgress")),
    ),
    "an attempt given twice": (
        "an attempt is given once",
        lambda s: (s.queue("t"), s.claim(D, 20, "t"), s.work(D, 20, "t"), s.listed("t", D)),
    ),
    "an attempt given twice, the second time just before a loss": (
        "an attempt is given once",
        lambda s: (
            s.queue("t"), s.claim(D, 20, "t"), s.wait(50), s.lost_with("database", lambda: s.claim(D, 20, "t")),
            s.work(D, 20, "t", 2), s.listed("t", D, 2),
        ),
    ),
    "an attempt that goes back": (
        "attempts rise",
        lambda s: (
            s.queue("t"), s.claim(D, 20, "t", 2), s.claim(D, 20, "t", 1), s.complete(D, 20, "t", 2),
            s.listed("t", D, 2),
        ),
    ),
    "a task completed twice": (
        "one outcome per task",
        lambda s: (s.queue("t"), s.work(D, 20, "t"), s.complete(D, 20, "t"), s.listed("t", D)),
    ),
    "a task completed and declared done": (
        "one outcome per task", lambda s: (s.queue("t"), s.work(D, 20, "t"), s.resolve("t", "done"), s.listed("t", D))
    ),
    "a completion without a claim": (
        "completions belong to claims", lambda s: (s.queue("t"), s.complete(D, 20, "t"), s.listed("t", D))
    ),
    "a completion under another token than the claim's": (
        "completions belong to claims",
        lambda s: (s.queue("t"), s.claim(D, 20, "t"), s.lease(D, 30), s.complete(D, 30, "t"), s.listed("t", D)),
    ),
    "a completion of a superseded attempt": (
        "superseded attempts complete nothing",
        lambda s: (s.queue("t"), s.claim(D, 20, "t"), s.claim(D, 20, "t", 2), s.complete(D, 20, "t"), s.listed("t", D)),
    ),
    "an effect without a claim": ("effects belong to claims", lambda s: s.effect(D, 20, "after", 7)),
    "a task that is gone": ("no task is lost", lambda s: s.queue("gone")),
    "a task that the database forgot and nobody queued again": (
        "no task is lost", lambda s: s.lost_with("database", lambda: s.queue("gone"))
    ),
    "a key with two tasks": (
        "one task per key",
        lambda s: [(s.queue(t, key="k"), s.work(D, 20, t), s.listed(t, D)) for t in ("one", "two")],
    ),
    "a task that still waits": ("every task ends", lambda s: (s.queue("t"), s.listed("t", "", 0, status="pending"))),
    "a task that is in doubt for ever": (
        "every task ends", lambda s: (s.queue("t"), s.claim(D, 20, "t"), s.listed("t", D, status="in_doubt"))
    ),
    "an outcome that was turned round": (
        "outcomes are kept", lambda s: (s.queue("t"), s.work(D, 20, "t"), s.fails_unheard(D, 20, "t"))
    ),
    "an outcome that nobody has said": (
        "outcomes have an author", lambda s: (s.queue("t"), s.claim(D, 20, "t"), s.listed("t", D))
    ),
    "an outcome that was refused and counts": (
        "outcomes have an author",
        lambda s: (s.queue("t"), s.claim(D, 20, "t"), s.complete(D, 20, "t", outcome="refused"), s.listed("t", D)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_history_is_clean(name: str) -> None:
    story = Story()
    handed_over(story)
    HONEST[name](story)
    assert check(closed(story)).violations == ()


def test_a_history_with_work_around_its_hand_over_is_clean() -> None:
    story = Story()
    handed_over(story)
    assert check(closed(story)).is_clean


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_promise_is_found_and_no_other_is_blamed(name: str) -> None:
    rule, telling = BROKEN[name]
    story = Story()
    handed_over(story)
    telling(story)
    judgement = check(closed(story))
    assert {violation.rule for violation in judgement.violations} == {rule}, judgement.violations
    assert not judgement.is_clean


def test_every_rule_is_broken_by_a_story() -> None:
    named = {rule.__name__.replace("_", " ") for rule in RULES}
    assert named == {rule for rule, _ in BROKEN.values()}


def test_a_listing_that_is_missing_is_no_proof() -> None:
    story = Story()
    handed_over(story)
    assert {violation.rule for violation in check(story.lines).violations} == {"every task ends", "no task is lost"}


def test_a_run_without_work_around_a_hand_over_proves_nothing() -> None:
    story = Story()
    story.operation("failover", 20)
    story.ends()
    judgement = check(story.lines)
    assert judgement.violations == ()
    assert not judgement.is_clean


def test_what_is_excused_is_counted() -> None:
    story = Story()
    handed_over(story)
    story.two_at_once(stopped_ms=900)
    story.queue("redone")
    story.lost_with("database", lambda: story.work(D, 20, "redone"))
    story.work(D, 20, "redone")
    story.listed("redone", D)
    judgement = check(closed(story))
    assert judgement.is_clean
    assert (judgement.excused_overlaps, judgement.forgotten) == (1, 2)


@pytest.mark.parametrize("name", JUDGE)
def test_the_judge_knows_nothing_of_the_product(name: str) -> None:
    tree = ast.parse((ROOT / "devhost" / "chaos" / f"{name}.py").read_text(encoding="utf-8"))
    imported = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    imported += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    own = {f"devhost.chaos.{part}" for part in JUDGE} | {"devhost.chaos"}
    assert [
        module for module in imported if module not in own and module.split(".")[0] not in sys.stdlib_module_names
    ] == []
