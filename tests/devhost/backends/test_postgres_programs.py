"""Who can reach PostgreSQL's programs, and the copy for those who cannot."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from devhost.backends.postgres_programs import WHEEL, NoPostgres, Programs, copy_for, reachable
from devhost.backends.processes import Account

STRANGER = Account(uid=54321, gid=54321)


@pytest.fixture
def top() -> Iterator[Path]:
    """A directory that everybody may enter; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


@pytest.fixture
def folder(top: Path) -> Path:
    """A directory of programs that everybody may enter."""
    target = top / WHEEL / "pginstall18" / "bin"
    target.mkdir(parents=True)
    for path in (target, *list(target.parents)[:2]):
        path.chmod(0o755)
    return target


def test_an_open_path_is_reachable(folder: Path) -> None:
    assert reachable(folder, STRANGER)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_one_closed_directory_puts_everything_below_it_out_of_reach(folder: Path, level: int) -> None:
    folder.parents[level].chmod(0o700)

    assert not reachable(folder, STRANGER)


def test_the_owner_and_the_group_are_judged_by_their_own_bits(folder: Path) -> None:
    status = folder.stat()
    folder.parent.chmod(0o710)

    assert reachable(folder, Account(uid=status.st_uid, gid=54321))
    assert reachable(folder, Account(uid=54321, gid=status.st_gid))
    assert not reachable(folder, STRANGER)


def test_a_copy_keeps_the_layout_and_can_be_reached(folder: Path, top: Path) -> None:
    (folder / "postgres").write_text("a program")
    library = top / f"{WHEEL}.libs" / "libpq.so"
    library.parent.mkdir()
    library.write_text("a library")
    top.chmod(0o700)

    copy = copy_for(Programs(folder=folder, major=18, bundle=top))

    try:
        assert (copy / WHEEL / "pginstall18" / "bin" / "postgres").read_text() == "a program"
        assert (copy / f"{WHEEL}.libs" / "libpq.so").read_text() == "a library"
        assert reachable(copy / WHEEL / "pginstall18" / "bin", STRANGER)
    finally:
        shutil.rmtree(copy)


def test_an_installation_with_fixed_places_cannot_be_copied(folder: Path) -> None:
    with pytest.raises(NoPostgres, match="cannot reach"):
        copy_for(Programs(folder=folder, major=15))
