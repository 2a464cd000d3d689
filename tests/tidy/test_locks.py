"""The lock files say what `pyproject.toml` asks for, each package with its hashes and none with an address."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.tidy.tree import ROOT

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RUNTIME = [Requirement(text) for text in PYPROJECT["project"]["dependencies"]]
GROUPS = [Requirement(text) for group in PYPROJECT["dependency-groups"].values() for text in group]
TOOLS = sorted((ROOT / "devhost" / "locks").glob("*.txt"))


def locked(path: Path) -> dict[str, list[str]]:
    """Return package name to `[version, hash, hash, ...]`."""
    packages: dict[str, list[str]] = {}
    for entry in path.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
        if entry.strip() and not entry.startswith("#"):
            name, version = entry.split(" ")[0].split("==")
            packages[canonicalize_name(name)] = [version, *re.findall(r"--hash=sha256:([0-9a-f]{64})\b", entry)]
    return packages


def contradictions(wanted: list[Requirement], packages: dict[str, list[str]]) -> list[str]:
    """Return the requirements that no locked package fulfils."""
    return [
        str(requirement)
        for requirement in wanted
        if (found := packages.get(canonicalize_name(requirement.name))) is None
        or not requirement.specifier.contains(found[0])
    ]


@pytest.mark.parametrize(
    ("wanted", "name"),
    [(RUNTIME, "requirements.txt"), (RUNTIME + GROUPS, "requirements-dev.txt")],
    ids=["runtime", "everything"],
)
def test_every_direct_dependency_is_locked_at_a_version_it_allows(wanted: list[Requirement], name: str) -> None:
    assert contradictions(wanted, locked(ROOT / name)) == [], "run `make lock`"


def test_a_missing_and_an_outdated_lock_entry_are_both_contradictions() -> None:
    wanted = [Requirement("PyJWT[crypto]>=2.15,<3"), Requirement("stamina>=26.1")]
    assert contradictions(wanted, {"pyjwt": ["2.14.0"]}) == ["PyJWT[crypto]<3,>=2.15", "stamina>=26.1"]


def test_the_lab_runs_on_the_versions_that_are_deployed() -> None:
    deployed, lab = locked(ROOT / "requirements.txt"), locked(ROOT / "requirements-dev.txt")
    assert deployed == {name: entry for name, entry in lab.items() if name in deployed}


def test_nothing_of_the_lab_or_the_tests_is_deployed() -> None:
    own = {canonicalize_name(requirement.name) for requirement in GROUPS}
    # Durable Functions brings aiohttp along anyway, and the exporter to Azure Monitor psutil.
    assert own & locked(ROOT / "requirements.txt").keys() == {"aiohttp", "psutil"}


@pytest.mark.parametrize(
    "path", [ROOT / "requirements.txt", ROOT / "requirements-dev.txt", *TOOLS], ids=lambda p: p.name
)
def test_every_locked_package_has_hashes_and_no_file_an_address(path: Path) -> None:
    packages = locked(path)
    assert packages
    assert [name for name, (_, *hashes) in packages.items() if not hashes] == []
    assert "://" not in path.read_text(encoding="utf-8")
    assert "index-url" not in path.read_text(encoding="utf-8")


def test_the_deployed_lock_names_its_direct_packages_at_the_top() -> None:
    top = (ROOT / "requirements.txt").read_text(encoding="utf-8").split("\nai")[0]
    assert [str(Requirement(line[1:])) for line in top.splitlines()[1:]] == [str(r) for r in RUNTIME]
