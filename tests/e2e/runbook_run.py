"""Types the runbook: fills the placeholders of runbook.sh, runs it with bash, and cuts its output into sections."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.running_lab import ROOT, RunningLab

HERE = Path(__file__).parent
SCRIPT = HERE / "runbook.sh"
ENDED_WITHIN_S = 280.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunbookRun:
    """A runbook being typed; its sections can be read when it has ended."""

    environment: str
    process: "subprocess.Popen[bytes]"
    output: Path

    def section(self, name: str) -> list[Any]:
        """Return the JSON documents that a section printed. Raises AssertionError when the script failed."""
        code = self.process.wait(ENDED_WITHIN_S)
        text = self.output.read_text(encoding="utf-8")
        assert code == 0, f"the runbook ended with {code}:\n...{text[-6000:]}"
        sections = dict(re.findall(r"^== (.+)\n((?:(?!== ).*\n?)*)", text, re.MULTILINE))
        assert name in sections, f"section {name} is missing:\n...{text[-6000:]}"
        return documents(sections[name])


@contextmanager
def run_runbook(lab: RunningLab, environment: str, folder: Path) -> Iterator[RunbookRun]:
    """Start typing the runbook for an environment; stop when the block ends."""
    script, output = folder / "runbook.sh", folder / "output.txt"
    script.write_text(filled(SCRIPT.read_text(encoding="utf-8"), placeholders(lab, environment)), encoding="utf-8")
    with output.open("wb") as target:
        process = subprocess.Popen(
            ["bash", str(script)],
            cwd=ROOT,
            env={**path_with_programs(folder / "bin"), "LAB_FILE": str(lab.folder / "lab.json")},
            stdin=subprocess.DEVNULL,
            stdout=target,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield RunbookRun(environment=environment, process=process, output=output)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, 9)
            process.wait()


def placeholders(lab: RunningLab, environment: str) -> dict[str, str]:
    """Return what is filled in. The lab has no certificate, so the runbook's `https://...` becomes its URL."""
    named = lab.facts["environments"][environment]
    return {
        "<LAB_FUNCTIONS>": str(HERE / "lab.sh"),
        "https://<PRIMARY_URL>": lab.url,
        "<ENVIRONMENT>": environment,
        "<PRIMARY_GATEWAY>": named["primary"],
        "<DR_GATEWAY>": named["dr"],
        "<CONFIG_ID>": named["config"],
    }


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return a text with its placeholders filled. Raises AssertionError when one is left."""
    for placeholder, value in values.items():
        text = text.replace(placeholder, value)
    assert not re.search(r"<[A-Z_]+>", text), text
    return text


def path_with_programs(folder: Path, *, replaced: Sequence[str] | None = None) -> dict[str, str]:
    """Return the variables of a shell that finds jq and curl.

    Where the machine lacks one, or for those in `replaced`, its stand-in is written into `folder`, which comes first.
    """
    missing = [name for name in ("jq", "curl") if shutil.which(name) is None] if replaced is None else replaced
    folder.mkdir()
    for name in missing:
        program = folder / name
        stand_in = HERE / "stand_ins" / f"{name}_stand_in.py"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{stand_in}" "$@"\n', encoding="ascii")
        program.chmod(0o755)
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "PYTHON": sys.executable}


def documents(text: str) -> list[Any]:
    """Return the JSON documents that stand in a text one after another."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while (start := re.compile(r"\S").search(text, at)) is not None:
        document, at = decoder.raw_decode(text, start.start())
        found.append(document)
    return found
