"""The reference pages say what the code does."""

import re

import pytest

from devhost.reference import FOLDER, PAGES, ROOT


@pytest.mark.parametrize("name", sorted(PAGES))
def test_the_page_is_what_the_code_says(name: str) -> None:
    """After a wanted change: `python -m devhost.reference`."""
    assert (FOLDER / name).read_text(encoding="utf-8") == PAGES[name]()


def test_every_link_between_the_documents_leads_to_a_file() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []


def test_every_adr_tells_its_problem_decision_alternatives_and_consequences() -> None:
    for page in sorted((ROOT / "docs" / "adr").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        for heading in ("**Problem.**", "**Decision.**", "**Alternatives.**", "**Consequences.**"):
            assert heading in text, f"{page.name} lacks {heading}"


def test_the_first_screen_of_the_readme_shows_a_picture_and_the_two_commands() -> None:
    first_screen = "\n".join((ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:20])
    assert "failover.svg" in first_screen
    assert "make run" in first_screen
    assert "make test" in first_screen
