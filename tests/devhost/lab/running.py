"""A lab started as a person starts it, on the stand-in application."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
STAND_IN = Path(__file__).parent / "app"
WITHIN_S = 20.0
SLEEPS = "import time; time.sleep(60)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """One lab in a directory of its own."""

    folder: Path

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one of the lab's commands to its end."""
        variables = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        command = [sys.executable, "-m", "devhost", *words, "--dir", str(self.folder)]
        return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=90, check=False)

    def up(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Start it detached, at the highest speed."""
        return self.run("up", "--detach", "--speed", "60", "--app", str(STAND_IN), *words)

    def facts(self) -> dict[str, Any]:
        """Return what `lab.json` holds."""
        facts: dict[str, Any] = json.loads((self.folder / "lab.json").read_text(encoding="utf-8"))
        return facts

    def pid(self, name: str) -> int:
        """Return a part's process id."""
        return int(self.facts()["pids"][name])

    def row(self, gateway: str) -> list[str]:
        """Return a gateway's columns in `status`: environment, gateway, process, pid, activation status."""
        lines = self.run("status").stdout.splitlines()
        return next(line.split() for line in lines if gateway in line.split())

    def log(self, name: str) -> str:
        """Return what a process has written so far."""
        return (self.folder / "log" / f"{name}.log").read_text(encoding="utf-8")

    def told(self) -> str:
        """Return what the supervisor has printed so far."""
        return (self.folder / "supervisor.log").read_text(encoding="utf-8")

    def get(self, path: str) -> Any:
        """Return the JSON answer of the application."""
        with urllib.request.urlopen(f"{self.facts()['url']}/api{path}", timeout=5) as response:
            return json.load(response)

    def cluster(self, cluster: str, power: str) -> None:
        """Put a cluster into a state, as somebody in the portal would."""
        body = json.dumps({"id": cluster, "power": power, "provisioning": "Succeeded"}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.facts()['arm_http_url']}/_lab/clusters", data=body, headers=headers)
        with urllib.request.urlopen(request, timeout=5) as response:
            assert response.status == 200

    def processes(self) -> list[str]:
        """Return the command lines of every process that names this lab's directory."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if f"{self.folder}/" in line or line.rstrip().endswith(str(self.folder)):
                found.append(line)
        return found


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until something holds; fail when it does not in time."""
    gives_up_at = time.monotonic() + WITHIN_S
    while not holds():
        assert time.monotonic() < gives_up_at, "it never came to hold"
        time.sleep(0.05)


def process_state(pid: int) -> str:
    """Return the kernel's letter for how a process stands: `T` is stopped (proc(5))."""
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    return stat[stat.rindex(")") + 2]


@contextmanager
def running(program: str) -> Iterator[subprocess.Popen[str]]:
    """Run a Python program until the end of the block."""
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
