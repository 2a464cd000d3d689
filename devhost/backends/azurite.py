"""Azure Table Storage on loopback: the table service of Azurite, kept on disk."""

from __future__ import annotations

import shutil
import signal
import subprocess
from pathlib import Path
from signal import Signals

from devhost.backends.node import find_node, npm_environment
from devhost.backends.processes import accepts_tcp, end, free_port, spawn, wait_until_ready

ACCOUNT = "devstoreaccount1"
# The emulator's account key is published and the same everywhere (https://learn.microsoft.com/azure/storage/common/
# storage-use-azurite, "Well-known storage account and key"); it opens nothing but an emulator.
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6" + "IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
PACKAGE_FILES = ("package.json", "package-lock.json", ".npmrc")
MAIN = Path("node_modules/azurite/dist/src/table/main.js")
START_DEADLINE_S = 20.0  # half a second on an idle machine
STOP_GRACE_S = 10.0


class InstallFailed(RuntimeError):
    """npm could not install the emulator; the message carries the end of what it printed."""


def install(root: Path, target: Path) -> None:
    """Install the locked emulator into `target`, from the package files in `root/devhost/azurite`.

    Nothing is written outside `target`'s parent but npm's own cache. Install scripts are not run: nothing that the
    table service needs has any. Raises NoNode without a Node.js, InstallFailed when npm fails.
    """
    target.mkdir(parents=True, exist_ok=True)
    for name in PACKAGE_FILES:
        shutil.copyfile(root / "devhost" / "azurite" / name, target / name)
    node = find_node()
    result = subprocess.run(
        [*node.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"],
        cwd=target,
        env=npm_environment(node, spare_home=target.parent / "home"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        close_fds=False,  # npm holds the caller's locks too, so that one that outlives a killed caller is waited for
    )
    if result.returncode != 0 or not (target / MAIN).exists():
        raise InstallFailed("\n".join(result.stdout.strip().splitlines()[-15:]))


class Azurite:
    """One table service: its data directory, its port, and while it runs its process.

    Times from start to stop and start again keep the port and the data. A killed emulator loses what it had not saved
    (it saves every 5 s), so `stop` uses SIGINT, the only signal that makes the table service save first, and so
    does the death of the parent. To make it silent for a while without losing anything, use `freeze` and `thaw`.
    """

    def __init__(
        self, data_dir: Path, *, package: Path, port: int = 0, on_parent_death: Signals = signal.SIGINT
    ) -> None:
        """Prepare, start nothing. `package` is the directory that `install` filled; port 0 means any free one.

        One that is frozen when its parent dies takes notice of SIGKILL alone.
        """
        self._data_dir = data_dir
        self._main = package / MAIN
        self._port = port
        self._on_parent_death = on_parent_death
        self._log = data_dir.with_name(f"{data_dir.name}.log")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def connection_string(self) -> str:
        """The connection string for `TableServiceClient.from_connection_string`."""
        return (
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};"
            f"TableEndpoint=http://127.0.0.1:{self._port}/{ACCOUNT};"
        )

    @property
    def port(self) -> int:
        """The port it listens on; 0 before the first start if any free one was asked for."""
        return self._port

    @property
    def pid(self) -> int:
        """The process id of the running emulator. Raises RuntimeError when it is not running."""
        return self._running().pid

    def start(self) -> str:
        """Start the emulator, wait until it accepts connections, and return the connection string.

        Raises FileNotFoundError when it is not installed, NoNode without a Node.js, NotReady when it does not come up.
        """
        if self._process is not None and self._process.poll() is None:
            return self.connection_string
        if not self._main.exists():
            raise FileNotFoundError(f"the storage emulator is not installed: {self._main} is missing; run `make setup`")
        self._port = self._port or free_port()
        self._data_dir.mkdir(parents=True, exist_ok=True)
        self._process = spawn(
            [
                find_node().program,
                self._main,
                *("--silent", "--disableTelemetry", "--skipApiVersionCheck"),
                *("--tableHost", "127.0.0.1", "--tablePort", str(self._port)),
                *("--location", self._data_dir),
            ],
            log=self._log,
            cwd=self._data_dir,
            on_parent_death=self._on_parent_death,
        )
        try:
            wait_until_ready(
                lambda: accepts_tcp(self._port),
                process=self._process,
                log=self._log,
                what="Azurite",
                deadline_s=START_DEADLINE_S,
            )
        except BaseException:
            self.stop()
            raise
        return self.connection_string

    def stop(self) -> None:
        """Save everything and end; does nothing when it is not running."""
        process, self._process = self._process, None
        if process is not None:
            end(process, first=signal.SIGINT, grace_s=STOP_GRACE_S)

    def kill(self) -> None:
        """End it as `kill -9` does. The writes of the last seconds are lost, which the real service never does."""
        process, self._process = self._running(), None
        process.kill()
        process.wait()

    def freeze(self) -> None:
        """Stop answering, as an unreachable service would; connections stay open and nothing is lost."""
        self._running().send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Answer again after `freeze`."""
        self._running().send_signal(signal.SIGCONT)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("the storage emulator is not running")
        return self._process
