"""Runs SPIN on a check and reads what it found. Needs the programs `spin` and a C compiler."""

import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from docs.model.checks import Check, Expected

FOLDER: Final = Path(__file__).resolve().parent
WORK: Final = FOLDER.parent.parent / ".lab" / "model"
LONGEST_S: Final = 240
DEPTH: Final = 1_000_000

NAMES: Final = {
    "gateway 0": "primary", "gateway 1": "DR gateway", "holder 0": "holder primary", "holder 1": "holder DR gateway",
    "holder 2": "holder nobody", "(kind 0)": "(failover)", "(kind 1)": "(failback)", "(kind 2)": "(deactivate)",
    "written by 3": "by the monitor", "written by": "by operation", "refused: 0": "not as refused",
    "refused: 1": "as refused", " (promise 1)": "", " (promise 0)": ", mirror pending",
}  # fmt: skip
"""How the numbers of the models read in a story."""


class ToolMissing(Exception):
    """A program the check needs is not installed; the text says how to get it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one run found. `depth` is the length of the counterexample, else that of the longest path searched."""

    errors: int
    states: int
    depth: int
    complete: bool
    broken: str = ""  # the checker's own words for what failed
    unreached: tuple[str, ...] = ()
    seconds: float = 0.0


def tools() -> tuple[str, str]:
    """Return the paths of SPIN and of a C compiler. Raises ToolMissing."""
    spin = shutil.which("spin")
    compiler = shutil.which("gcc") or shutil.which("cc")
    if spin is None:
        raise ToolMissing("SPIN is not on PATH. Debian and Ubuntu: apt-get install spin; elsewhere: spinroot.com.")
    if compiler is None:
        raise ToolMissing("No C compiler is on PATH. Debian and Ubuntu: apt-get install gcc libc6-dev.")
    return spin, compiler


def parse(output: str) -> Found:
    """Return what the checker's output says; `complete` only when it says itself that nothing was left out."""
    errors = re.search(r"errors: (\d+)", output)
    states = re.search(r"(\d+) states, stored", output)
    reached = re.search(r"depth reached (\d+)", output)
    failed = re.search(r"pan:1: (.*?)\s*\(at depth (\d+)\)", output)
    if errors is None or states is None or reached is None:
        raise ValueError(f"not the output of a finished search:\n{output[-2000:]}")
    gaps = ("Search not completed", "max search depth too small", "out of memory", "Search incomplete")
    return Found(
        errors=int(errors[1]),
        states=int(states[1]),
        depth=int(failed[2]) if failed else int(reached[1]),
        complete=not any(gap in output for gap in gaps),
        broken=failed[1] if failed else "",
        unreached=tuple(unreached(output)),
    )


def unreached(output: str) -> list[str]:
    """Return the unreached lines, without the ends of processes that run for ever."""
    found, place = [], ""
    for line in output.splitlines():
        if line.startswith("unreached in "):
            place = line.removeprefix("unreached in ").removeprefix("proctype ")
            continue
        match = re.match(r"\s+(\S+\.pml:\d+), state \d+, \"(.*)\"", line)
        if place and match and match[2] != "-end-":
            found.append(f"{Path(match[1]).name} in {place}: {match[2]}")
    return found


def as_expected(check: Check, found: Found) -> bool:
    """Return whether a check came to what it must."""
    match check.expected:
        case Expected.HOLDS:
            return found.errors == 0 and found.complete
        case Expected.REFUTED:
            return found.errors > 0
        case Expected.REACHED:
            return found.errors == 0 and not found.unreached


def run(check: Check, folder: Path) -> Found:
    """Return what the search of a check found. Raises ToolMissing; ValueError when the search did not finish."""
    spin, compiler = tools()
    folder.mkdir(parents=True, exist_ok=True)
    _succeed([spin, "-a", *_defines(check), str(FOLDER / f"{check.model}.pml")], folder)
    effort = "-O0" if check.expected is Expected.REFUTED else "-O2"  # a short search is not worth a long compilation
    _succeed([compiler, effort, "-w", *_build(check), "-o", "pan", "pan.c"], folder)
    started = time.monotonic()
    done = subprocess.run(
        ["./pan", "-E", *_search(check)], cwd=folder, capture_output=True, text=True, timeout=LONGEST_S, check=False
    )
    seconds = time.monotonic() - started
    (folder / "pan.txt").write_text(done.stdout, encoding="utf-8")
    found = parse(done.stdout)
    return Found(
        errors=found.errors, states=found.states, depth=found.depth, complete=found.complete, broken=found.broken,
        unreached=found.unreached, seconds=seconds,
    )  # fmt: skip


def story(check: Check, folder: Path) -> list[str]:
    """Return the counterexample that `run` left in the folder, one sentence per event."""
    spin, _ = tools()
    model = str(FOLDER / f"{check.model}.pml")
    replayed = _succeed([spin, "-t", "-T", "-k", f"{check.model}.pml.trail", *_defines(check), model], folder)
    return told(replayed)


def told(replayed: str) -> list[str]:
    """Return the sentences of a replay, with names for numbers."""
    sentences = []
    for line in replayed.splitlines():
        text = line.strip()
        if "START OF CYCLE" in text:
            sentences.append("from here on for ever:")
        elif text.startswith(">"):
            for number, name in NAMES.items():
                text = text.replace(number, name)
            sentences.append(text.removeprefix(">").strip())
    return sentences


def _defines(check: Check) -> list[str]:
    return [f"-D{define}" for define in check.defines]


def _build(check: Check) -> list[str]:
    if check.claim:
        return ["-DNFAIR=4"]
    safety = ["-DSAFETY", "-DNOCLAIM"]
    match check.expected:
        case Expected.HOLDS:
            return safety
        case Expected.REFUTED:
            return [*safety, "-DBFS"]  # breadth first: the first counterexample is a shortest one
        case Expected.REACHED:
            return [*safety, "-DBITSTATE"]


def _search(check: Check) -> list[str]:
    fair = ["-a", "-f", "-N", check.claim] if check.claim else []
    return [*fair, f"-m{DEPTH}", f"-w{check.search}"]


def _succeed(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=LONGEST_S, check=False)
    if done.returncode != 0:
        raise ValueError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout
