"""Safety lines of the product, each with what it looks like when somebody has removed it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Mutant:
    """One safety line taken out of one file."""

    name: str
    file: str
    line: str
    instead: str

    def apply(self, tree: Path) -> None:
        """Change the file below `tree`. Raises ValueError when the line is not there exactly once."""
        path = tree / self.file
        text = path.read_text(encoding="utf-8")
        if text.count(self.line) != 1:
            raise ValueError(f"{self.name}: the line is {text.count(self.line)} times in {self.file}")
        path.write_text(text.replace(self.line, self.instead), encoding="utf-8")


WRITE, MOVE, GUARD = "shared/steps/write_lock.py", "shared/steps/move_lock.py", "shared/domain/guard.py"

MUTANTS = (
    Mutant(
        "the lock is replaced at whatever version it has",
        WRITE,
        "        return ports.locks.replace(lock, etag=etag)\n",
        "        found = ports.locks.read(lock.environment)\n"
        "        return ports.locks.replace(lock, etag=found.etag if found else etag)\n",
    ),
    Mutant(
        "a token is minted from the clock alone",
        "shared/domain/fencing.py",
        "max(now_unix_ns, (stored or 0) + 1, (mirrored or 0) + 1)",
        "now_unix_ns",
    ),
    Mutant(
        "a new holder need not wait for the former lease",
        GUARD,
        "if mirror.not_before is not None and now < mirror.not_before:",
        "if False:",
    ),
    Mutant("the guard does not look at the token", GUARD, "if mirror.token != caller.token:", "if False:"),
    Mutant(
        "work needs no lease",
        GUARD,
        "if snapshot.purpose is not Purpose.BEAT and (mirror.lease_until is None or mirror.lease_until <= now):",
        "if False:",
    ),
    Mutant(
        "the fence lags and nobody minds",
        GUARD,
        "if mirror is None or outcome is SyncOutcome.RAISED or mirror.validated_timeline != snapshot.timeline:",
        "if mirror is None:",
    ),
    Mutant(
        "a new timeline is trusted without a look at the authority",
        GUARD,
        "if mirror is None or mirror.validated_timeline != snapshot.timeline:",
        "if mirror is None:",
    ),
    Mutant(
        "a draining holder is given work", GUARD, "if snapshot.purpose is Purpose.CLAIM and lock.draining:", "if False:"
    ),
    Mutant(
        "a repeated move does not recognise its own grant",
        MOVE,
        "    if not lock.was_moved_by(context.request):\n        written",
        "    if True:\n        written",
    ),
    Mutant(
        "a step of an operation that has ended still runs",
        "shared/steps/run_step.py",
        "    if not _is_running(lock, request):\n",
        "    if lock is None:\n",
    ),
    Mutant(
        "a cancelled operation goes on",
        "shared/steps/run_step.py",
        "    if step is not Step.FINISH_OPERATION and running is not None and running.cancellation is not None:\n",
        "    if False:\n",
    ),
    Mutant(
        "who asked approves",
        "shared/domain/answers.py",
        "    if approver_id == running.requester_id or answer.by == running.requested_by:\n",
        "    if False:\n",
    ),
    Mutant(
        "a recovered gateway keeps its token",
        "shared/domain/locks.py",
        "    next_status(lock.status_of(holder), Event.RECOVERED)\n"
        "    return _granted(lock, to=holder, token=token, now=now, write_id=write_id)\n",
        "    return replace(lock, failed=(), written_by=write_id)\n",
    ),
    Mutant(
        "the move is acknowledged before the fence is raised",
        MOVE,
        "        sync = context.ports.work.sync_mirror(name, authority_reader(context.ports, name))\n",
        "        from shared.domain.guard import Mirror\n"
        "        mirror = Mirror(environment=name, token=lock.token, holder=lock.holder, lease_until=None, "
        "not_before=None, validated_timeline='')\n"
        "        sync = Sync(outcome=SyncOutcome.CURRENT, mirror=mirror)\n",
    ),
)
