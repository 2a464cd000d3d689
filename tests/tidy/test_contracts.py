"""The import contracts of `pyproject.toml` accept the intended shape and break on each way of leaving it.

Checked on an empty copy of the packages, so that the contracts are tested whatever the real code imports today.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.tidy.tree import ROOT

LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
INTENDED = {
    "shared/wiring.py": "import os\nfrom shared import config\nfrom shared.adapters import table_locks",
    "shared/config.py": "from shared import channel_settings\nfrom shared.domain import locks",
    "shared/channel_settings.py": "from shared import ports",
    "shared/telemetry.py": "import logging",
    "shared/ports/__init__.py": "from shared.domain import locks",
    "shared/domain/locks.py": "import enum",
    "shared/flows/activate_dr.py": "from shared.domain import locks",
    "shared/steps/raise_fence.py": "from shared import ports",
    "shared/adapters/table_locks.py": "import azure.data.tables\nfrom shared import ports, telemetry",
    "shared/web/auth.py": "import jwt",
    "functions/operations.py": "from shared import wiring",
    "devhost/lab.py": "import functions.operations\nimport gateway_agent.lease\nfrom shared import wiring",
    "gateway_agent/lease.py": "import httpx2\nimport time",
}


def copy_of_the_shape(folder: Path) -> None:
    """Write the intended modules, and an empty package for every root the contracts name."""
    shutil.copyfile(ROOT / "pyproject.toml", folder / "pyproject.toml")
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    for package in [*contracts["root_packages"], *{Path(name).parent.as_posix() for name in INTENDED}]:
        (folder / package).mkdir(parents=True, exist_ok=True)
        (folder / package / "__init__.py").touch()
    for name, text in INTENDED.items():
        (folder / name).write_text(text + "\n", encoding="utf-8")


def verdict_on(folder: Path) -> tuple[int, str]:
    """Return the exit code of import-linter and what it printed, on one line."""
    result = subprocess.run([sys.executable, "-c", LINT], cwd=folder, capture_output=True, text=True, check=False)
    return result.returncode, " ".join((result.stdout + result.stderr).split())


def test_the_intended_shape_keeps_every_contract(tmp_path: Path) -> None:
    copy_of_the_shape(tmp_path)
    code, printed = verdict_on(tmp_path)
    assert (code, "0 broken" in printed) == (0, True), printed


@pytest.mark.parametrize(
    ("name", "text", "contract"),
    [
        ("shared/domain/locks.py", "import time", "Domain and flows are standard library only"),
        ("shared/flows/activate_dr.py", "def f():\n    import psycopg", "Domain and flows are standard library only"),
        ("shared/flows/activate_dr.py", "from shared import ports", "The product's layers point inward"),
        ("shared/steps/raise_fence.py", "from shared import config", "The product's layers point inward"),
        ("shared/extras.py", "", "The product's layers point inward"),
        ("functions/operations.py", "from shared.adapters import table_locks", "Only the wiring builds adapters"),
        ("devhost/lab.py", "from shared.adapters import table_locks", "Only the wiring builds adapters"),
        ("functions/operations.py", "import devhost.lab", "The host stands above the triggers"),
        ("shared/web/auth.py", "import functions.operations", "The host stands above the triggers"),
        ("gateway_agent/lease.py", "from shared.domain import locks", "The gateway's library shares no code"),
        ("functions/operations.py", "import gateway_agent.lease", "The control plane shares no code"),
    ],
)
def test_a_planted_import_breaks_its_contract(tmp_path: Path, name: str, text: str, contract: str) -> None:
    copy_of_the_shape(tmp_path)
    with (tmp_path / name).open("a", encoding="utf-8") as module:
        module.write(text + "\n")
    code, printed = verdict_on(tmp_path)
    assert code == 1
    broken = printed.partition("Broken contracts")[2]
    assert contract in broken, printed
