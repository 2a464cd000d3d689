"""The package is whole, holds nothing else, and has the same bytes wherever and by whomever it is built."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from release.contents import UnfitCheckout, product_files
from release.libraries import FOLDER, NoLibraries, install
from release.package import CEILING_BYTES, Package, TooLarge, build
from tests.release.building import ROOT, built, checkout, no_libraries

HERE = Path(__file__).parent
GOLDEN = json.loads((ROOT / "tests" / "shell" / "functions.golden.json").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Build:
    """A package and the zip it is in."""

    package: Package
    target: Path


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Build, Build]:
    """Two builds of one checkout: in other places, with other dates of the files."""
    here, there = tmp_path_factory.mktemp("a"), tmp_path_factory.mktemp("a_much_longer_name") / "deep" / "er"
    roots = checkout(here / "checkout"), checkout(there / "checkout")
    for name in product_files(roots[1]):
        os.utime(roots[1] / name, (1_000_000_000, 1_000_000_000))
    targets = here / "build" / "p.zip", there / "build" / "p.zip"
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(built, roots, targets)
    return Build(first, targets[0]), Build(second, targets[1])


@pytest.fixture(scope="module")
def unpacked(builds: tuple[Build, Build], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(builds[0].target) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture
def strict_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def indexed(folder: Path) -> object:
    command = [sys.executable, "-I", "-S", str(HERE / "indexing.py"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_two_builds_in_different_places_have_the_same_bytes(builds: tuple[Build, Build]) -> None:
    first, second = builds
    assert first.target.read_bytes() == second.target.read_bytes()
    assert first.package == second.package
    assert first.package.sha256 == hashlib.sha256(first.target.read_bytes()).hexdigest()


@pytest.mark.usefixtures("strict_umask")
def test_neither_umask_nor_dates_nor_modes_reach_the_zip(builds: tuple[Build, Build], tmp_path: Path) -> None:
    target = tmp_path / "build" / "small.zip"
    root = checkout(tmp_path / "strict")
    build(root, target, install_libraries=no_libraries, platform="any")
    strict = target.read_bytes()
    os.umask(0o000)
    for name in product_files(root):
        (root / name).chmod(0o755)
    build(root, target, install_libraries=no_libraries, platform="any")
    assert target.read_bytes() == strict
    with zipfile.ZipFile(builds[0].target) as archive:
        assert {(entry.external_attr >> 16, entry.date_time[0]) for entry in archive.infolist()} == {(0o100644, 1980)}


def test_the_unpacked_package_alone_declares_every_function(unpacked: Path) -> None:
    assert indexed(unpacked) == GOLDEN


def test_compiled_files_are_used_without_a_look_at_their_sources(unpacked: Path) -> None:
    routes = unpacked / "shared" / "web" / "routes.py"
    source = routes.read_text(encoding="utf-8")
    routes.write_text("raise SystemExit('compiled anew')\n", encoding="utf-8")
    try:
        assert indexed(unpacked) == GOLDEN
    finally:
        routes.write_text(source, encoding="utf-8")
    compiled = {path.name.split(".")[0] for path in (unpacked / "shared").rglob("*.pyc")}
    assert compiled == {path.stem for path in (unpacked / "shared").rglob("*.py")}


def test_tracebacks_name_the_place_where_the_platform_mounts_the_package(unpacked: Path) -> None:
    (compiled,) = (unpacked / "shared" / "web" / "__pycache__").glob("routes.*.pyc")
    assert b"/home/site/wwwroot/shared/web/routes.py" in compiled.read_bytes()


def test_nothing_but_the_product_and_its_libraries_is_in_it(builds: tuple[Build, Build]) -> None:
    with zipfile.ZipFile(builds[0].target) as archive:
        names = archive.namelist()
    ours = [name for name in names if not name.startswith(FOLDER) and not name.endswith(".pyc")]
    assert ours == product_files(ROOT)
    folders = {part for name in names for part in Path(name).parts[:-1]}
    foreign = {"devhost", "tests", "docs", "lab", ".lab", "gateway_agent", "drctl", "release", "infra", "bin", "pytest"}
    assert folders & foreign == set()
    assert not [name for name in names if "local.settings" in name or name.endswith((".env", ".tfstate"))]


def test_funcignore_leaves_out_what_the_package_leaves_out() -> None:
    """Azure's own tools read `.funcignore`, in the syntax of `.gitignore`; both ways must deploy the same files."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    ignored = ["git", "ls-files", "-z", "--cached", "--others", "--ignored", "--exclude-from=.funcignore"]
    kept, left_out = (
        set(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0"))
        for command in (listing, ignored)
    )
    assert sorted(name for name in kept - left_out if name) == product_files(ROOT)


def test_the_manifest_has_the_digest_of_every_file_in_the_zip(builds: tuple[Build, Build]) -> None:
    lines = builds[0].target.with_suffix(".manifest").read_text(encoding="utf-8").splitlines()
    with zipfile.ZipFile(builds[0].target) as archive:
        found = [f"{hashlib.sha256(archive.read(name)).hexdigest()}  {name}" for name in archive.namelist()]
    assert lines == found
    facts = json.loads(builds[0].target.with_suffix(".json").read_text(encoding="utf-8"))
    assert (facts["file_count"], facts["sha256"]) == (len(found), builds[0].package.sha256)


def test_the_package_is_below_the_ceiling_and_a_larger_one_is_not_built(
    builds: tuple[Build, Build], tmp_path: Path
) -> None:
    assert builds[0].package.bytes < CEILING_BYTES
    target = tmp_path / "p.zip"

    def too_much(_requirements: Path, folder: Path) -> None:
        (folder / "model.bin").write_bytes(os.urandom(CEILING_BYTES))

    with pytest.raises(TooLarge, match=r"model\.bin 30\.0 MB"):
        build(checkout(tmp_path / "checkout"), target, install_libraries=too_much, platform="any")
    assert not target.exists()


@pytest.mark.parametrize("name", ["shared/settings.env", "functions/x/function.txt"])
def test_a_file_without_a_rule_stops_the_build(tmp_path: Path, name: str) -> None:
    root, target = checkout(tmp_path / "checkout"), tmp_path / "p.zip"
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text("x", encoding="utf-8")
    with pytest.raises(UnfitCheckout, match=name):
        build(root, target, install_libraries=no_libraries, platform="any")
    assert not target.exists()


def test_a_source_that_does_not_compile_stops_the_build(tmp_path: Path) -> None:
    root, target = checkout(tmp_path / "checkout"), tmp_path / "p.zip"
    (root / "shared" / "wiring.py").write_text("def :\n", encoding="utf-8")
    with pytest.raises(NoLibraries, match="SyntaxError"):
        build(root, target, install_libraries=no_libraries, platform="any")
    assert not target.exists()


def test_without_uv_the_build_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NoLibraries, match="make setup"):
        install(ROOT / "requirements.txt", tmp_path, uv=tmp_path / "uv")
