"""Start the host as a process of its own and talk to it over HTTP."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

APPS = Path(__file__).parent / "apps"
ROOT = Path(__file__).parents[3]
FINISHED = ("Completed", "Failed", "Terminated")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One HTTP answer."""

    status: int
    text: str
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Host:
    """A host process on its own journal; it can be killed and started again on the same one."""

    def __init__(self, app: str, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.runs_file = folder / "runs"
        self.runs_file.touch()
        self.crash_file = folder / "crash.json"
        self.log_file = folder / "log"
        self._app = APPS / app
        self._environment = os.environ | {"HUB": "Hub", "RUNS_FILE": str(self.runs_file)} | environment
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the process without waiting for it to be ready."""
        command = [sys.executable, "-m", "devhost.host", "--app", str(self._app), "--port", "0"]
        command += ["--journal", str(self.folder / "journal.db"), "--ready-file", str(self.folder / "ready")]
        command += ["--crash-file", str(self.crash_file)]
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, env=self._environment, stderr=log)
        return self._process

    def start(self, **environment: str) -> Host:
        """Start the process and wait until it serves."""
        self._environment |= environment
        (self.folder / "ready").unlink(missing_ok=True)
        process = self.launch()
        deadline = time.monotonic() + 20
        while not (self.folder / "ready").exists():
            assert process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.01)
        ready = json.loads((self.folder / "ready").read_text())
        assert ready["pid"] == process.pid
        self.url = ready["url"]
        return self

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    @property
    def runs(self) -> list[str]:
        return self.runs_file.read_text().splitlines()

    def arm(self, **crash: object) -> None:
        """Put the crash file in place whole."""
        part = self.crash_file.with_suffix(".part")
        part.write_text(json.dumps(crash))
        part.replace(self.crash_file)

    def kill(self) -> None:
        """Kill the process as a power cut would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def stop(self) -> int:
        """Ask the process to stop; its return code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(10)

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """One request to the public listener; `body` is sent as JSON unless it is bytes."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        kinds = {"Content-Type": "application/json"} | {name.replace("_", "-"): text for name, text in headers.items()}
        address = path if path.startswith("http") else self.url + path
        request = urllib.request.Request(address, data=data, method=method, headers=kinds)
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                return Answer(status=response.status, text=response.read().decode(), headers=dict(response.headers))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(status=error.code, text=error.read().decode(), headers=dict(error.headers))

    def begin(self, orchestrator: str, instance_id: str, value: object = None) -> Answer:
        """Start an orchestration through the application's own HTTP function and the Durable client."""
        return self.call("POST", f"/api/start/{orchestrator}/{instance_id}", value)

    def begin_doomed(self, orchestrator: str, instance_id: str) -> None:
        """Start an orchestration and wait for the host to die of the armed point, perhaps before it can answer."""
        with contextlib.suppress(http.client.RemoteDisconnected, ConnectionResetError):
            self.begin(orchestrator, instance_id)
        assert self._process is not None
        assert self._process.wait(20) == -signal.SIGKILL

    def durable(self, method: str, path: str, body: object = None) -> Answer:
        """One request to the public Durable webhooks."""
        return self.call(method, f"/runtime/webhooks/durabletask/{path}", body)

    def status(self, instance_id: str) -> Any:
        return self.durable("GET", f"instances/{instance_id}").json

    def until(self, instance_id: str, *states: str, within_s: float = 15) -> Any:
        """The status once it is one of `states` (any finished state by default)."""
        deadline = time.monotonic() + within_s
        while True:
            status = self.status(instance_id)
            if status["runtimeStatus"] in (states or FINISHED):
                return status
            assert time.monotonic() < deadline, (status, self.log)
            time.sleep(0.01)
