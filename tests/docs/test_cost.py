"""The page about cost shows what the calculator computes, and its commands run."""

import re
import subprocess
import sys

from devhost.reference import ROOT

PAGE = ROOT / "docs" / "explanation" / "cost.md"


def computed(*options: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", "devhost", "cost", *options], cwd=ROOT, capture_output=True, text=True, check=True,
        timeout=60,
    )  # fmt: skip
    return ran.stdout.strip()


def test_the_page_shows_what_the_calculator_computes_for_the_usual_plan() -> None:
    """After a wanted change: put the output of `make cost` between the fences."""
    (shown,) = re.findall(r"```text\n(.*?)\n```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert shown == computed()


def test_every_command_of_the_page_gives_a_bill() -> None:
    commands = re.findall(r'make cost ARGS="(.*?)"', PAGE.read_text(encoding="utf-8"))
    assert len(commands) >= 2
    for options in commands:
        assert "Billed by use, per environment:" in computed(*options.split())


def test_the_figure_in_the_text_is_the_one_that_is_computed() -> None:
    text = PAGE.read_text(encoding="utf-8")
    (lean,) = re.findall(r'make cost ARGS="(--memory-mb 512 .*?)"', text)
    for options in ((), lean.split()):
        (usd,) = re.findall(r"per environment: ([\d.]+) USD", computed(*options))
        assert f"**{usd} USD**" in text
