"""What is checked: the correct protocol in several configurations, every mutant, and the assumptions made visible."""

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Expected(Enum):
    """What a check must come to."""

    HOLDS = "holds"  # searched to the end without an error
    REFUTED = "refuted"  # a counterexample is found
    REACHED = "reached"  # every line of the correct model is reached


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One run of the checker.

    `search` is an upper bound of states as a power of two, for the size of the hash table. `claim` names the LTL
    formula of a liveness check; every other check searches for a failed assertion.
    """

    name: str
    model: str  # file name without .pml
    says: str
    expected: Expected
    defines: tuple[str, ...] = ()
    claim: str = ""
    search: int = 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """The protocol with one safeguard removed, the property that breaks, and a configuration that shows it."""

    number: int
    breaks: str
    removed: str
    defines: tuple[str, ...] = ()


SMALL: Final = ("RECOVERIES=0", "LOOKS=0")
LOCK_ONLY: Final = ("NOWORK", "MONITORS=2", "LOOKS=2")

CONFIGURATIONS: Final = (
    Check(
        name="S1-S11", model="failover", expected=Expected.HOLDS, defines=("RECOVERIES=0",), search=23,
        says="two operations of any kind, one task, two attempts",
    ),
    Check(
        name="S1-S11", model="failover", expected=Expected.HOLDS, defines=("ATTEMPTS=1", "ONLY_P"), search=23,
        says="a failed holder is let back in while operations run",
    ),
    Check(
        name="S1-S10", model="failover", expected=Expected.HOLDS, defines=LOCK_ONLY, search=23,
        says="the lock alone: two monitors, two second looks or re-runs",
    ),
    Check(
        name="S1-S11", model="failover", expected=Expected.HOLDS, defines=("TABLEDOWN", *SMALL),
        says="Table Storage unreachable to any transaction",
    ),
    Check(
        name="S1-S11", model="failover", expected=Expected.HOLDS,
        defines=("PGLOSS", "ONLY_P", *SMALL),
        says="PostgreSQL fails over and loses commits",
    ),
    Check(
        name="S1-S11", model="failover", expected=Expected.HOLDS,
        defines=("PGLOSS", "TABLEDOWN", "ONLY_P", "ATTEMPTS=1", *SMALL),
        says="the same with Table Storage unreachable",
    ),
    Check(
        name="S1-S6, S12", model="failover", expected=Expected.HOLDS,
        defines=("RESTORE", "ONLY_P", "ATTEMPTS=1", *SMALL),
        says="Table Storage restored to an older copy",
    ),
    Check(
        name="S1-S6, S12", model="failover", expected=Expected.HOLDS,
        defines=("RESTORE", "ONLY_P", "NOWORK", "LOOKS=0"),
        says="the same, a failed holder being let back in",
    ),
    Check(
        name="L1", model="failover", expected=Expected.HOLDS, claim="L1",
        defines=("LIVE", "NOWORK", "ONLY_P", "RECOVERIES=0"),
        says="every registered operation ends, though a host dies",
    ),
    Check(
        name="L2", model="failover", expected=Expected.HOLDS, claim="L2", defines=("LIVE", "FOREVER", "RECOVERIES=0"),
        says="the mirror follows the lock, though the operation never comes back",
    ),
    Check(
        name="L3", model="failover", expected=Expected.HOLDS, claim="L3", defines=("LIVE", "SINGLE", "ATTEMPTS=5"),
        says="once a holder settles, the task is done",
    ),
    Check(
        name="E1, E2", model="lease", expected=Expected.HOLDS,
        says="leases of 3 ticks, margins of 1 and 1, drift of 2",
    ),
    Check(
        name="lines", model="failover", expected=Expected.REACHED, search=23,
        defines=("d_step=atomic", "CHECK=99", "PGLOSS", "TABLEDOWN", "RESTORE"),
        says="failover.pml with every fault, d_steps opened",
    ),
    Check(
        name="lines", model="failover", expected=Expected.REACHED, search=23,
        defines=("d_step=atomic", "CHECK=99", "LIVE"),
        says="failover.pml as for liveness, d_steps opened",
    ),
    Check(
        name="lines", model="lease", expected=Expected.REACHED, search=21, defines=("d_step=atomic",),
        says="lease.pml, d_steps opened",
    ),
)  # fmt: skip

MUTANTS: Final = (
    Mutant(number=1, breaks="S1", removed="no ETag on the write"),
    Mutant(number=2, breaks="S1", removed="token from the clock alone, which steps back"),
    Mutant(number=3, breaks="S1", removed="token without the clock", defines=("RESTORE", "NOWORK")),
    Mutant(number=4, breaks="S2", removed="failback keeps the token"),
    Mutant(number=5, breaks="S1", removed="lock deleted on deactivate: numbering restarts"),
    Mutant(number=6, breaks="S6", removed="move_lock acknowledges before the raise"),
    Mutant(
        number=7, breaks="S6", removed="a raise with recorded arguments, which may lower",
        defines=("TABLEDOWN", *SMALL),
    ),
    Mutant(number=8, breaks="S8", removed="412 taken as lost: no read-back of written_by"),
    Mutant(number=9, breaks="S9", removed="overwrite after a 412 without looking again"),
    Mutant(number=10, breaks="S10", removed="verdict not bound to the token it judged", defines=LOCK_ONLY),
    Mutant(number=11, breaks="S9", removed="evidence read before the ETag"),
    Mutant(number=12, breaks="S8", removed="the second look does not see its own move"),
    Mutant(number=13, breaks="S8", removed="the record ends before the operation has left the lock"),
    Mutant(number=14, breaks="S8", removed="a stale operation's step is not refused"),
    Mutant(number=15, breaks="S4", removed="attempt not compared"),
    Mutant(number=16, breaks="S11", removed="running tasks not handed back by the raise"),
    Mutant(number=17, breaks="L2", removed="no read-repair", defines=("LIVE", "FOREVER", "RECOVERIES=0")),
    Mutant(number=18, breaks="S3", removed="fence not checked on completion", defines=("PGLOSS",)),
    Mutant(number=19, breaks="S5", removed="activation_status written by a step of its own"),
    Mutant(number=20, breaks="S12", removed="a regressed authority is decided on", defines=("RESTORE", "NOWORK")),
    Mutant(number=21, breaks="S4", removed="completion not compared with the claim on the task"),
    Mutant(number=22, breaks="S6", removed="authority read before the transaction"),
    Mutant(
        number=23, breaks="S6", removed="mirror-only mode on a timeline nobody validated",
        defines=("PGLOSS", "TABLEDOWN", *SMALL),
    ),
    Mutant(number=24, breaks="S6", removed="fence row not kept FOR SHARE until the commit"),
    Mutant(
        number=25, breaks="L1", removed="a registered operation that nobody started is not picked up",
        defines=("LIVE", "NOWORK", "ONLY_P", "RECOVERIES=0"),
    ),
    Mutant(number=26, breaks="S1", removed="a recovered gateway let back in without the ETag"),
    Mutant(
        number=27, breaks="S12", removed="a recovered gateway let back in without a look at the mirror",
        defines=("RESTORE", "NOWORK"),
    ),
    Mutant(number=28, breaks="S6", removed="deactivate_gateway answers before the raise"),
    Mutant(
        number=29, breaks="S6", removed="acknowledged whatever the mirror was raised to",
        defines=("RESTORE", *SMALL),
    ),
    Mutant(
        number=30, breaks="L3", removed="running tasks not handed back, no time-out behind it",
        defines=("LIVE", "SINGLE", "ATTEMPTS=5"),
    ),
    Mutant(number=31, breaks="S7", removed="fence raised before the lock is won"),
    Mutant(number=50, breaks="E1", removed="margin dropped when the lease looks over"),
    Mutant(number=51, breaks="E1", removed="a second hand-over forgets the wait of the first"),
    Mutant(number=52, breaks="E1", removed="not_before ignored"),
    Mutant(number=53, breaks="E1", removed="lease counted from the answer"),
    Mutant(number=54, breaks="E1", removed="the gateway does not fence itself"),
    Mutant(number=55, breaks="E1", removed="lease recorded after the answer left"),
    Mutant(number=56, breaks="E1", removed="a late answer credited to the newest heartbeat"),
    Mutant(number=57, breaks="E1", removed="no margin of the gateway's own"),
    Mutant(number=58, breaks="E1", removed="no margin of the server"),
    Mutant(number=59, breaks="E1", removed="a new timeline believed at once"),
    Mutant(number=60, breaks="E1", removed="effect not guarded: a process stopped beyond its lease writes"),
    Mutant(number=61, breaks="E2", removed="every sync starts the wait anew"),
)  # fmt: skip

FIRST_OF_LEASE: Final = 50

LIMITS: Final = (
    Check(
        name="LIMIT 1", model="failover", expected=Expected.REFUTED, defines=("LIMIT=1", "CHECK=6", "TABLEDOWN"),
        says="`mirror: pending` promises S6 although Table Storage is unreachable afterwards",
    ),
    Check(
        name="LIMIT 2", model="failover", expected=Expected.REFUTED, defines=("LIMIT=2", "CHECK=6", "RESTORE"),
        says="`mirror: pending` promises S6 although the Table is restored older",
    ),
    Check(
        name="LIMIT 3", model="lease", expected=Expected.REFUTED, defines=("LIMIT=3",),
        says="PostgreSQL's clock leaps forward by more than the margins",
    ),
)  # fmt: skip


def check_of(mutant: Mutant) -> Check:
    """Return the run that must refute a mutant."""
    model = "lease" if mutant.number >= FIRST_OF_LEASE else "failover"
    liveness = mutant.breaks.startswith("L")
    only = (f"CHECK={mutant.breaks[1:]}",) if mutant.breaks.startswith("S") else ()
    return Check(
        name=f"M{mutant.number} {mutant.breaks}", model=model, says=mutant.removed, expected=Expected.REFUTED,
        defines=(f"MUTANT={mutant.number}", *only, *mutant.defines), claim=mutant.breaks if liveness else "",
    )  # fmt: skip
