"""What the how-tos name exists: make targets, paths of the API with their methods, settings, files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shared.web.routes import ROUTES

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs" / "howto").glob("*.md"))
DAY_TWO = (
    "deploy", "database-roles", "key-rotation", "restore-lock-account", "move-control-plane", "quarterly-drill",
    "upgrade-dr-cluster", "uninstall",
)  # fmt: skip
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def is_route(path: str, method: str | None) -> bool:
    """Whether a path, with values or `{names}` in its variable parts, is one of the API's."""
    return any(
        re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(route.path)), path)
        and (method is None or method in route.methods)
        for route in ROUTES
    )


def named_paths(text: str) -> set[tuple[str | None, str]]:
    """Return (method or None, path below /api) for every path of the API in a page."""
    found = re.findall(r"(?:\b(GET|POST|PUT|DELETE) )?(?:\$URL)?/api/([\w/{}$<>.-]*[\w}>])", text)
    named = {(method or None, path) for method, path in found if not path.startswith(("publish", "deployments"))}
    # `…/authority/restore` and its like are completed by their page; they are not whole paths.
    return {(method, path) for method, path in named if "…" not in path}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_path_and_target_a_how_to_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [named for named in named_paths(text) if not is_route(named[1], named[0])] == []
    assert set(re.findall(r"(?:`|^ *)make ([a-z]+)(?=`| ARGS|$)", text, re.MULTILINE)) <= make_targets()
    missing = [name for name in re.findall(r"\binfra/[\w/.-]+\.sql", text) if not (ROOT / name).is_file()]
    assert missing == []


@pytest.mark.parametrize("name", DAY_TWO)
def test_a_procedure_says_when_what_before_how_to_check_and_how_to_go_back(name: str) -> None:
    text = (ROOT / "docs" / "howto" / f"{name}.md").read_text(encoding="utf-8")
    assert "**When.**" in text
    for word in ("Before you start", "Check", "Go back"):
        assert re.search(rf"(?i)\b{word}\b", text), f"{name} lacks {word!r}"


@pytest.mark.parametrize(
    ("text", "is_fine"),
    [
        ("`POST /api/v1/admin/failover/NPR/activate-dr`", True),
        ("curl $URL/api/v1/admin/gateway-health | jq", True),
        ("`GET /api/v1/admin/failover/NPR/activate-dr`", False),
        ("`GET /api/v1/admin/lock`", False),
    ],
)
def test_a_path_that_does_not_exist_is_noticed(text: str, is_fine: bool) -> None:
    (named,) = named_paths(text)
    assert is_route(named[1], named[0]) is is_fine


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_runs_what_exists_and_stores_no_secret(workflow: Path) -> None:
    text = workflow.read_text(encoding="utf-8")
    assert "secrets." not in text
    commands = set(re.findall(r"^\s*(?:- )?(?:run: )?(?:make ([a-z]+)|(\.ci/run))$", text, re.MULTILINE))
    assert commands
    for target, script in commands:
        assert target in make_targets() or (ROOT / script).is_file()
    assert ("id-token: write" in text) == ("azure/login" in text), "federated login needs the job's own token"
