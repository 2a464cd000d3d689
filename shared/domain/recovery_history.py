"""The history of operations, and whether they get faster: a claim only where there are enough of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from shared.domain.operations import Operation, OperationKind, OperationStatus
from shared.domain.recovery import recovery_of

LEAST_COMPARED: Final = 3
"""Operations on each side of a comparison; a median of fewer is one operation's accident."""
MOST_COMPARED: Final = 10
"""Operations on each side at most; what is older says little about now."""
NOTABLE: Final = 0.1
"""The relative change from which on a trend is called one; below it the medians differ by chance alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """The newest succeeded operations of a kind against those before them.

    Measured by their total time, which is the recovery time of a failover. The medians are None while fewer than
    LEAST_COMPARED operations stand on each side: then there is no trend to speak of.
    """

    kind: OperationKind
    compared: int  # on each side
    counted: int  # succeeded operations whose total time is known
    newest_ms: int | None
    before_ms: int | None

    @property
    def change(self) -> float | None:
        """How much longer the newest take, relative to those before; negative when they are faster."""
        if self.newest_ms is None or not self.before_ms:
            return None
        return self.newest_ms / self.before_ms - 1

    @property
    def direction(self) -> str | None:
        """`faster`, `slower` or `steady`; None without medians."""
        if self.change is None:
            return None
        if abs(self.change) < NOTABLE:
            return "steady"
        return "faster" if self.change < 0 else "slower"


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Ended operations of an environment, newest first, with the trend of each kind among them."""

    operations: Sequence[Operation]
    trends: Sequence[Trend]
    looked_through: int  # operations the trends are made from
    target_s: float


def trend_of(kind: OperationKind, newest_first: Sequence[Operation]) -> Trend:
    """Return the trend of one kind of operation."""
    succeeded = [one for one in newest_first if one.request.kind is kind and one.status is OperationStatus.SUCCEEDED]
    totals_ms = [total for total in (recovery_of(one).total_ms for one in succeeded) if total is not None]
    compared = min(len(totals_ms) // 2, MOST_COMPARED)
    newest_ms = before_ms = None
    if compared >= LEAST_COMPARED:
        newest_ms = round(median(totals_ms[:compared]))
        before_ms = round(median(totals_ms[compared : 2 * compared]))
    return Trend(kind=kind, compared=compared, counted=len(totals_ms), newest_ms=newest_ms, before_ms=before_ms)
