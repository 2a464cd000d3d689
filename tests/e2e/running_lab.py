"""A detached lab for the end-to-end tests: started as its user starts it, ended whatever happens."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

ROOT = Path(__file__).resolve().parents[2]
READY_WITHIN_S = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningLab:
    """A lab in a folder of its own, with what `lab.json` says."""

    folder: Path
    facts: Mapping[str, Any]

    @property
    def url(self) -> str:
        """The control plane's URL, without /api."""
        return str(self.facts["url"])

    def command(self, *words: str) -> str:
        """Run a command of the lab and return what it printed. Raises CalledProcessError."""
        done = run_lab(self.folder, *words)
        return done.stdout

    def client(self, token: str = "admin_token", **options: Any) -> httpx2.Client:
        """Return a client of the API that presents this token."""
        headers = {"Authorization": f"Bearer {self.facts[token]}"}
        return httpx2.Client(base_url=f"{self.url}/api/v1/", headers=headers, timeout=60, trust_env=False, **options)

    def events(self) -> list[dict[str, Any]]:
        """Return every event of the lab so far."""
        text = (self.folder / "events.jsonl").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]


def run_lab(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run `python -m devhost WORD... --dir FOLDER`. Raises CalledProcessError with what it printed."""
    argv = [sys.executable, "-m", "devhost", words[0], "--dir", str(folder), *words[1:]]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=READY_WITHIN_S, env=dict(os.environ))
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done


def start_lab(folder: Path, *options: str) -> RunningLab:
    """Start a detached lab and return it once it is ready."""
    run_lab(folder, "up", "--detach", *options)
    return RunningLab(folder=folder, facts=json.loads((folder / "lab.json").read_text(encoding="utf-8")))
