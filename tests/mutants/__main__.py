"""`make mutants`: take out each safeguard in turn; exit code 0 only if something notices each time.

`ARGS="draining token"` runs the mutants whose names contain one of the words.
"""

from __future__ import annotations

import os
import sys
import time

from tests.mutants.catalogue import MUTANTS
from tests.mutants.gate import NotKilled, run_gate


def main(words: list[str]) -> int:
    """Run the gate, print a line per mutant and one for all."""
    chosen = [mutant for mutant in MUTANTS if not words or any(word in mutant.name for word in words)]
    began_s = time.monotonic()
    try:
        outcomes = run_gate(chosen, jobs=os.cpu_count() or 1, say=lambda line: print(line, flush=True))
    except NotKilled as why:
        print(f"not judged: {why}")
        return 1
    killed = sum(outcome.killed for outcome in outcomes)
    print(f"{time.monotonic() - began_s:.0f} s")
    print(f"{len(outcomes)} mutants, {killed} killed, {len(outcomes) - killed} survived")
    return 0 if outcomes and killed == len(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
