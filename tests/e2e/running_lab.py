"""A detached lab for the end-to-end tests: started as its user starts it, asked over HTTP, ended whatever happens."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from devhost.lab.births import birth_of

ROOT = Path(__file__).resolve().parents[2]
COMMAND_WITHIN_S = 120
ANSWER_WITHIN_S = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningLab:
    """A lab in a folder of its own, with what `lab.json` said when it was ready."""

    folder: Path
    facts: Mapping[str, Any]
    http: httpx2.Client

    @property
    def url(self) -> str:
        """The control plane's URL, without /api."""
        return str(self.facts["url"])

    def command(self, *words: str) -> str:
        """Run a command of the lab and return what it printed. Raises AssertionError when it fails."""
        return run_lab(self.folder, *words)

    def running(self, part: str) -> bool:
        """Return whether a part of the lab, such as a gateway, has a process now."""
        present = json.loads((self.folder / "lab.json").read_text(encoding="utf-8"))
        return birth_of(present["pids"].get(part, 0)) is not None  # one that ended stays in the file for a while

    def ask(self, method: str, path: str, *, token: str | None = None, **options: Any) -> httpx2.Response:
        """Send a request to a path below /api/, or to a whole URL; an administrator's unless another token is given."""
        url = path if path.startswith("http") else f"{self.url}/api/{path}"
        headers = {"Authorization": f"Bearer {token or self.facts['admin_token']}", **options.pop("headers", {})}
        return self.http.request(method, url, headers=headers, **options)

    def get(self, path: str) -> Any:
        """Return the document at a path below /api/v1/. Raises AssertionError for anything but 200."""
        return expect(self.ask("GET", f"v1/{path}"), 200)

    def post(self, path: str, **options: Any) -> httpx2.Response:
        """POST as an administrator to a path below /api/v1/."""
        return self.ask("POST", f"v1/{path}", **options)

    def as_gateway(self, gateway: str, path: str, body: Mapping[str, Any]) -> httpx2.Response:
        """POST to a path below /api/v1/gateways/GATEWAY/ with that gateway's own token."""
        token = self.facts["agent_tokens"][gateway]
        return self.ask("POST", f"v1/gateways/{gateway}/{path}", token=token, json=dict(body))


def shown(answer: httpx2.Response) -> str:
    """Return an answer for a failure message: request, status, headers of ours, and the document."""
    try:
        body = json.dumps(answer.json(), indent=2)
    except ValueError:
        body = answer.text
    kept = ("retry-after", "operation-id", "operation-location", "allow", "www-authenticate", "idempotent-replayed")
    headers = {name: answer.headers[name] for name in kept if name in answer.headers}
    return f"{answer.request.method} {answer.request.url} -> {answer.status_code} {headers}\n{body}"


def expect(answer: httpx2.Response, status: int) -> Any:
    """Return the document of an answer. Raises AssertionError, with all of it, for another status."""
    assert answer.status_code == status, f"expected {status}: {shown(answer)}"
    return answer.json()


def run_lab(folder: Path, *words: str, env: Mapping[str, str] | None = None) -> str:
    """Run `python -m devhost WORD... --dir FOLDER`; return what it printed. Raises AssertionError when it fails."""
    argv = [sys.executable, "-m", "devhost", words[0], "--dir", str(folder), *words[1:]]
    done = subprocess.run(
        argv, cwd=ROOT, capture_output=True, text=True, timeout=COMMAND_WITHIN_S, env={**os.environ, **(env or {})}
    )
    assert done.returncode == 0, f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@contextmanager
def running_lab(folder: Path, *options: str, env: Mapping[str, str] | None = None) -> Iterator[RunningLab]:
    """Start a detached lab and yield it once it is ready; end it, and what an earlier one left, in any case."""
    run_lab(folder, "down")
    try:
        run_lab(folder, "up", "--detach", *options, env=env)
        facts = json.loads((folder / "lab.json").read_text(encoding="utf-8"))
        with httpx2.Client(timeout=ANSWER_WITHIN_S, trust_env=False) as http:
            yield RunningLab(folder=folder, facts=facts, http=http)
    finally:
        run_lab(folder, "down")
