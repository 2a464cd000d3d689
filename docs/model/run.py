"""Checks the protocol's models: `python -m docs.model.run`, or `... trace N` for the story of mutant N.

Exit code 0 only if every property holds on a finished search, every mutant and every limit is refuted, and every line
of the correct models is reached.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from docs.model.checks import CONFIGURATIONS, LIMITS, MUTANTS, Check, Expected, check_of
from docs.model.spin import WORK, Found, ToolMissing, as_expected, run, story, tools

HEADING: Final = f"{'check':<11} {'states':>10} {'depth':>7} {'seconds':>7}  verdict"
WORDS: Final = {Expected.HOLDS: "holds", Expected.REFUTED: "refuted", Expected.REACHED: "every line reached"}


def main(arguments: Sequence[str]) -> int:
    """Return the exit code of the command line."""
    parser = argparse.ArgumentParser(prog="python -m docs.model.run", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    trace = commands.add_parser("trace", help="print the shortest counterexample of a mutant as a story")
    trace.add_argument("mutant", type=int, choices=[mutant.number for mutant in MUTANTS])
    chosen = parser.parse_args(arguments)
    try:
        tools()
    except ToolMissing as missing:
        _say(str(missing))
        return 2
    return _trace(chosen.mutant) if chosen.command == "trace" else check_all()


def check_all() -> int:
    """Check everything, one line each, and return 0 if all came to what it must."""
    checks = [*CONFIGURATIONS, *LIMITS, *map(check_of, MUTANTS)]
    started = time.monotonic()
    _say(HEADING)
    states, wrong = 0, 0
    with ThreadPoolExecutor(max_workers=min(2, os.cpu_count() or 1)) as pool:
        for check, found in zip(checks, pool.map(_run, range(len(checks)), checks), strict=True):
            _say(line(check, found))
            if isinstance(found, str) or not as_expected(check, found):
                wrong += 1
            elif check.expected is Expected.HOLDS:
                states += found.states
    _say(summary(states=states, wrong=wrong, seconds=time.monotonic() - started))
    return 1 if wrong else 0


def line(check: Check, found: Found | str) -> str:
    """Return the line that tells how a check came out; `found` is text when the search did not finish."""
    if isinstance(found, str):
        return f"{check.name:<11} {'-':>10} {'-':>7} {'-':>7}  NOT FINISHED: {check.says}\n{found}"
    verdict = WORDS[check.expected] if as_expected(check, found) else _otherwise(found)
    figures = f"{found.states:>10,} {found.depth:>7,} {found.seconds:>7.2f}"
    return f"{check.name:<11} {figures}  {verdict}: {check.says}"


def summary(*, states: int, wrong: int, seconds: float) -> str:
    """Return the last line of a run."""
    holding = sum(check.expected is Expected.HOLDS for check in CONFIGURATIONS)
    counts = f"{holding} configurations searched exhaustively ({states:,} states), {len(MUTANTS)} mutants"
    return f"{counts}, {len(LIMITS)} limits, {wrong} not as expected, {seconds:.0f} s"


def _otherwise(found: Found) -> str:
    if found.errors:
        return f"BROKEN ({found.broken})"
    if found.unreached:
        return "UNREACHED " + "; ".join(found.unreached)
    return "SURVIVES" if found.complete else "NOT SEARCHED TO THE END"


def _run(number: int, check: Check) -> Found | str:
    try:
        return run(check, WORK / f"check-{number:02}")
    except (ValueError, OSError) as failure:
        return str(failure)


def _trace(number: int) -> int:
    check = check_of(next(mutant for mutant in MUTANTS if mutant.number == number))
    folder = WORK / f"trace-{number:02}"
    found = run(check, folder)
    if not found.errors:
        _say(f"mutant {number} survives: {check.says}")
        return 1
    _say(f"mutant {number}: {check.says}")
    for count, sentence in enumerate(story(check, folder), start=1):
        _say(f"{count:>3}. {sentence}")
    _say(f"breaks {check.name.split()[1]} after {found.depth} steps")
    return 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
