"""Prepare a checkout for `make run` and `make test`: everything lands in `.lab`, nothing outside it.

Run by `make setup` with any Python 3.11 or 3.12 and its standard library only. Afterwards `.lab/venv` holds the locked,
hash-checked Python packages (and PostgreSQL's programs or Node where the machine has none), and `.lab/azurite` the
storage emulator.

Each stage takes its stamp away first and writes it last, so a run sees that the one before was interrupted, and starts
that stage from nothing. Children inherit the lock on the checkout: after a kill the next run waits for the orphans.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from devhost.backends.node import machine_node  # noqa: E402 - the interpreter runs isolated and cannot find us by itself
from devhost.backends.postgres_programs import NoPostgres, find_programs  # noqa: E402

LAB = ROOT / ".lab"
VENV = LAB / "venv"
VENV_PYTHON = VENV / "bin" / "python"
UV = LAB / "uv"
AZURITE = LAB / "azurite"
LOCKS = ROOT / "devhost" / "locks"
LEAKING = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV")


class SetupError(Exception):
    """A stage cannot be finished; the message says what the reader can do."""


def say(text: str) -> None:
    print(text, flush=True)


@contextmanager
def only_one_at_a_time() -> Iterator[int]:
    """Hold the checkout's setup lock and yield its file descriptor, which every child must inherit.

    Raises:
        SetupError: `.lab` cannot be written to.
    """
    try:
        LAB.mkdir(exist_ok=True)
        lock = os.open(LAB / "setup.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise SetupError(
            f"{error}. Was it prepared by another user? Remove .lab as that user and try again."
        ) from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another setup of this checkout is running; waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock
    finally:
        os.close(lock)


def environment() -> dict[str, str]:
    """Return the variables children run with: no foreign Python settings, and a home that can be written to."""
    variables = {name: value for name, value in os.environ.items() if name not in LEAKING}
    home = variables.get("HOME", "")
    if not (os.path.isdir(home) and os.access(home, os.W_OK)):
        (LAB / "home").mkdir(exist_ok=True)
        variables["HOME"] = str(LAB / "home")
    variables |= {"PIP_ROOT_USER_ACTION": "ignore", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    variables |= {"UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}
    return variables


def run(command: list[str], *, lock: int, cwd: Path = LAB) -> None:
    """Run a program to its end, quietly.

    Raises:
        SetupError: It failed; the message carries the end of what it printed.
    """
    result = subprocess.run(
        command, cwd=cwd, env=environment(), pass_fds=(lock,), stdin=subprocess.DEVNULL, text=True, capture_output=True
    )
    if result.returncode != 0:
        printed = "\n".join((result.stdout + result.stderr).strip().splitlines()[-15:])
        raise SetupError(f"`{' '.join(command[:6])} ...` ended with {result.returncode}:\n{printed}")


def answers(command: list[str]) -> str | None:
    """Return what a short command printed, or None if it is missing or failed."""
    try:
        return subprocess.check_output(command, stderr=subprocess.DEVNULL, cwd=LAB, env=environment(), text=True)
    except (OSError, subprocess.CalledProcessError):
        return None


def lacks_postgres() -> bool:
    """Whether this machine has no PostgreSQL of its own that the lab would use."""
    try:
        return find_programs().bundle is not None
    except NoPostgres:
        return True


def wanted_locks() -> list[Path]:
    """Return the lock files whose packages belong into the environment on this machine."""
    wanted = [ROOT / "requirements-dev.txt"]
    if lacks_postgres():
        wanted.append(LOCKS / "postgres.txt")
    if machine_node() is None:
        wanted.append(LOCKS / "node.txt")
    return wanted


def stamp_of(files: Iterable[Path], *, root: Path = ROOT) -> str:
    """Return the text that tells a stage made from these files, in this place, from any other."""
    hashes = {file.relative_to(root).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    return json.dumps({"place": str(root), "files": hashes}, indent=1, sort_keys=True)


def read_stamp(stage: Path) -> str:
    stamp = stage.with_name(stage.name + ".stamp")
    return stamp.read_text(encoding="utf-8") if stamp.exists() else ""


def write_stamp(stage: Path, text: str) -> None:
    unfinished = stage.with_name(stage.name + ".stamp.new")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(stage.with_name(stage.name + ".stamp"))


def begin(stage: Path) -> None:
    """Declare a stage unfinished before anything in it changes."""
    stage.with_name(stage.name + ".stamp").unlink(missing_ok=True)


def pip_command(*, lock: int) -> list[str]:
    """Return the start of a pip command line that installs into `.lab/venv`.

    Raises:
        SetupError: This Python has neither pip nor the means to make one.
    """
    if answers([sys.executable, "-m", "pip", "--version"]):
        return [sys.executable, "-m", "pip", "--python", str(VENV_PYTHON)]
    if answers([sys.executable, "-m", "ensurepip", "--version"]) is None:
        raise SetupError(
            f"{sys.executable} has neither pip nor ensurepip. On Debian and Ubuntu: apt-get install python3-venv"
        )
    run([str(VENV_PYTHON), "-m", "ensurepip", "--upgrade"], lock=lock)
    return [str(VENV_PYTHON), "-m", "pip"]


def uv_command(pip: list[str], *, lock: int) -> str | None:
    """Return the path of uv, installed under its own hash, or None where it cannot be had."""
    program = UV / "bin" / "uv"
    stamp = stamp_of([LOCKS / "uv.txt"])
    if read_stamp(UV) == stamp and answers([str(program), "--version"]):
        return str(program)
    begin(UV)
    shutil.rmtree(UV, ignore_errors=True)
    requirements = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", str(LOCKS / "uv.txt")]
    try:
        run([*pip, "install", "--quiet", "--target", str(UV), *requirements], lock=lock)
    except SetupError as error:
        say(f"  uv could not be installed; going on with pip, which takes longer. {str(error).splitlines()[-1]}")
        return None
    write_stamp(UV, stamp)
    return str(program)


def make_packages(locks: list[Path], *, lock: int) -> None:
    """Bring `.lab/venv` to exactly the locked packages; an environment that was not finished is made anew."""
    before = json.loads(read_stamp(VENV) or "{}")
    begin(VENV)
    if before.get("place") != str(ROOT) or not VENV_PYTHON.exists():
        shutil.rmtree(VENV, ignore_errors=True)
        run([sys.executable, "-m", "venv", "--without-pip", str(VENV)], lock=lock)
    pip = pip_command(lock=lock)
    uv = uv_command(pip, lock=lock)
    files = [str(file) for file in locks]
    if uv is not None:
        common = ["--quiet", "--python", str(VENV_PYTHON), "--require-hashes", "--compile-bytecode"]
        try:
            run([uv, "pip", "sync", *common, *files], lock=lock)
        except SetupError as error:
            say(f"  uv failed; trying pip. {str(error).splitlines()[-1]}")
        else:
            return
    chosen = [argument for file in files for argument in ("-r", file)]
    run([*pip, "install", "--quiet", "--no-deps", "--require-hashes", "--compile", *chosen], lock=lock)


def make_azurite(*, lock: int) -> None:
    """Install the storage emulator with the npm of this machine, or the one that came with the packages."""
    begin(AZURITE)
    shutil.rmtree(AZURITE, ignore_errors=True)
    program = (
        "import pathlib, sys; from devhost.backends import azurite as a; a.install(*map(pathlib.Path, sys.argv[1:]))"
    )
    run([str(VENV_PYTHON), "-c", program, str(ROOT), str(AZURITE)], lock=lock, cwd=ROOT)


def prepare(*, lock: int) -> None:
    """Run the stages whose inputs changed since their stamp was written."""
    began = time.monotonic()
    locks = wanted_locks()
    packages = stamp_of(locks)
    if read_stamp(VENV) != packages or not VENV_PYTHON.exists():
        say("Installing the locked Python packages into .lab/venv (about 15 s; without a cache up to a minute) ...")
        make_packages(locks, lock=lock)
        write_stamp(VENV, packages)
    emulator = stamp_of(sorted(path for path in (ROOT / "devhost" / "azurite").iterdir() if path.is_file()))
    if read_stamp(AZURITE) != emulator or not AZURITE.is_dir():
        say("Installing the storage emulator into .lab/azurite (about 30 s) ...")
        make_azurite(lock=lock)
        write_stamp(AZURITE, emulator)
    if time.monotonic() - began > 2:
        say(f"Ready after {time.monotonic() - began:.0f} s.")


def main() -> int:
    """Prepare the checkout and return the exit code."""
    # In an activated .lab/venv our own Node would pass for the machine's, and be uninstalled for it.
    places = os.environ.get("PATH", os.defpath).split(os.pathsep)
    os.environ["PATH"] = os.pathsep.join(place for place in places if place != str(VENV / "bin"))
    try:
        with only_one_at_a_time() as lock:
            prepare(lock=lock)
    except SetupError as error:
        print(f"Setup failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Setup interrupted; the next `make` goes on with it.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
