"""A history of a run, parsed once for the checker: who was told what, when asked and when answered.

Every instant is a nanosecond of the machine's one monotonic clock. Calls acted between `sent_ns` and `at_ns`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A yes to a gateway: a lease, the claim of one task, or the completion of one."""

    kind: str  # lease, claim, complete
    environment: str
    gateway: str
    token: int
    sent_ns: int
    at_ns: int
    task: str = ""
    attempt: int = 0
    status: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a gateway did; `asked_ns` is before it asked whether it may, `began_ns` after. A kill leaves no end."""

    environment: str
    gateway: str
    token: int
    task: str
    attempt: int
    asked_ns: int
    began_ns: int
    ended_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """A yes to an operator who asked for a change of holder."""

    what: str
    environment: str
    token: int | None
    sent_ns: int
    at_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A store went on with an older state: what was written from `since_ns` to `until_ns` may be gone."""

    store: str  # database, tables
    since_ns: int
    until_ns: int

    def may_have_taken(self, said: Said | Acknowledged | Queued | Resolved) -> bool:
        """Whether the effect of a call may be among what was lost."""
        return said.at_ns >= self.since_ns and said.sent_ns <= self.until_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A yes to somebody who queued a task under a key."""

    key: str
    task: str
    sent_ns: int
    at_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A person's word on a task in doubt; `certain` when it was answered with yes, and not left without an answer."""

    decision: str
    certain: bool
    sent_ns: int
    at_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A task as the control plane lists it at the end."""

    task: str
    status: str
    attempt: int
    gateway: str


@dataclass(slots=True)
class History:
    """Everything the rules look at, each list in the order of its instants."""

    margins_s: float = 0.0
    said: list[Said] = field(default_factory=list)
    uncertain: Counter[tuple[str, int, str]] = field(default_factory=Counter)
    """Completions, by task, attempt and status, that were sent and neither refused nor accepted as far as is known."""
    effects: list[Effect] = field(default_factory=list)
    acknowledged: list[Acknowledged] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)  # operations by their call, with the code
    restores_sent: list[tuple[str, int]] = field(default_factory=list)  # environment, instant
    queued: list[Queued] = field(default_factory=list)
    resolved: dict[str, list[Resolved]] = field(default_factory=dict)  # by task
    losses: list[Loss] = field(default_factory=list)
    listed: dict[str, Listed] = field(default_factory=dict)
    operations: dict[str, str] = field(default_factory=dict)  # reasons of all operations there are, with the status
    is_complete: bool = False

    def forgotten(self, said: Said | Queued | Resolved) -> bool:
        """Whether PostgreSQL may have forgotten what this call did."""
        return any(loss.store == "database" and loss.may_have_taken(said) for loss in self.losses)

    def of(self, kind: str) -> list[Said]:
        """Return every yes of one kind."""
        return [one for one in self.said if one.kind == kind]


def parse(lines: Iterable[Line]) -> History:
    """Return the history in the lines. Raises KeyError or ValueError for a line that is none."""
    history = History()
    open_effects: dict[tuple[str, str, int, str], int] = {}
    sent: dict[str, int] = {}
    for line in sorted(lines, key=lambda one: int(one["at_ns"])):
        match line["kind"]:
            case "run":
                history.margins_s = float(line["margins_s"])
            case "lease" | "claim" | "complete" | "complete.sent":
                _gateway_call(history, line)
            case "effect.start":
                open_effects[_effect_key(line)] = len(history.effects)
                history.effects.append(_effect(line))
            case "effect.end":
                _end_effect(history, open_effects.pop(_effect_key(line), None), int(line["at_ns"]))
            case "operation.sent" | "execute.sent":
                sent[str(line.get("call") or line["key"])] = int(line["at_ns"])
                if line.get("what") == "restore":
                    history.restores_sent.append((str(line["environment"]), int(line["at_ns"])))
            case "resolve.sent":
                sent[f"resolve {line['task_id']}"] = int(line["at_ns"])
            case "operation.answered" | "execute.answered" | "resolve.answered":
                _operator_call(history, line, sent)
            case "data_loss":
                loss = Loss(store=line["store"], since_ns=int(line["since_ns"]), until_ns=int(line["until_ns"]))
                history.losses.append(loss)
            case "final.task" | "final.operation" | "final":
                _final(history, line)
            case _:
                pass  # faults and remarks are for the reader
    return history


def _gateway_call(history: History, line: Line) -> None:
    common: dict[str, Any] = {
        "environment": line["environment"],
        "gateway": line["gateway"],
        "token": int(line["fencing_token"]),
        "sent_ns": int(line["sent_ns"]),
        "at_ns": int(line["at_ns"]),
    }
    match line["kind"], line.get("outcome"):
        case "lease", _:
            history.said.append(Said(kind="lease", **common))
        case "claim", "ok":
            for task in line["tasks"]:
                given = {**common, "token": int(task["fencing_token"])}
                history.said.append(Said(kind="claim", task=task["task_id"], attempt=task["attempt"], **given))
        case "complete", "accepted":
            names = {"task": line["task_id"], "attempt": int(line["attempt"]), "status": line["status"]}
            history.said.append(Said(kind="complete", **names, **common))
            history.uncertain[_completion_key(line)] -= 1
        case "complete.sent", _:
            history.uncertain[_completion_key(line)] += 1
        case "complete", "refused":
            history.uncertain[_completion_key(line)] -= 1
        case _:
            pass  # a completion without an answer may have counted; one that was a repetition has


def _completion_key(line: Line) -> tuple[str, int, str]:
    return line["task_id"], int(line["attempt"]), line["status"]


def _operator_call(history: History, line: Line, sent: Mapping[str, int]) -> None:
    heard, at_ns = line["heard"], int(line["at_ns"])
    match line["kind"]:
        case "resolve.answered":
            if heard in ("ok", "unknown"):
                task, sent_ns = line["task_id"], sent[f"resolve {line['task_id']}"]
                word = Resolved(decision=line["decision"], certain=heard == "ok", sent_ns=sent_ns, at_ns=at_ns)
                history.resolved.setdefault(task, []).append(word)
        case "execute.answered" if heard == "ok":
            queued = Queued(key=line["key"], task=line["task_id"], sent_ns=sent[line["key"]], at_ns=at_ns)
            history.queued.append(queued)
        case "operation.answered" if heard == "ok":
            token = line.get("fencing_token")
            history.acknowledged.append(
                Acknowledged(
                    what=line["what"],
                    environment=line["environment"],
                    token=int(token) if token else None,
                    sent_ns=sent[line["call"]],
                    at_ns=at_ns,
                )
            )
        case "operation.answered" if heard == "refused":
            history.refused[line["call"]] = line["code"]


def _final(history: History, line: Line) -> None:
    match line["kind"]:
        case "final.task":
            history.listed[line["id"]] = Listed(
                task=line["id"],
                status=line["status"],
                attempt=int(line["attempt"]),
                gateway=line.get("gateway_id") or "",
            )
        case "final.operation":
            history.operations[line["reason"]] = line["status"]
        case _:
            history.is_complete = bool(line["complete"])


def _effect(line: Line) -> Effect:
    return Effect(
        environment=line["environment"],
        gateway=line["gateway"],
        token=int(line["fencing_token"]),
        task=line["task_id"],
        attempt=int(line["attempt"]),
        asked_ns=int(line["asked_ns"]),
        began_ns=int(line["at_ns"]),
    )


def _effect_key(line: Line) -> tuple[str, str, int, str]:
    return line["gateway"], line["task_id"], int(line["attempt"]), line["fencing_token"]


def _end_effect(history: History, index: int | None, at_ns: int) -> None:
    if index is not None:
        history.effects[index] = replace(history.effects[index], ended_ns=at_ns)
