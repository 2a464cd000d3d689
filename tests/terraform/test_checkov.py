"""Each check that checkov leaves out says why."""

from __future__ import annotations

import re

from tests.terraform.tree import TERRAFORM

SKIP = re.compile(r"^  - (?P<check>CKV2?_\w+)\s*(?:# (?P<reason>.+))?$")


def skipped(text: str) -> dict[str, str]:
    """Return the reason of each check that the file leaves out, empty if it gives none."""
    lines = text[text.index("skip-check:") :].splitlines()
    return {found["check"]: found["reason"] or "" for line in lines if (found := SKIP.match(line))}


def test_every_skipped_check_has_a_reason() -> None:
    text = (TERRAFORM / ".checkov.yaml").read_text(encoding="utf-8")
    reasons = skipped(text)
    assert len(reasons) == len(re.findall(r"CKV2?_AZURE_\d+", text))
    assert [check for check, reason in reasons.items() if len(reason) < 30] == []


def test_a_skip_without_a_reason_is_seen() -> None:
    assert skipped("skip-check:\n  - CKV_AZURE_1\n  - CKV_AZURE_2  # because\n") == {
        "CKV_AZURE_1": "",
        "CKV_AZURE_2": "because",
    }


def test_no_check_is_skipped_in_the_configuration_itself() -> None:
    """A `checkov:skip` comment hides where nobody reviews it."""
    texts = [path.read_text(encoding="utf-8") for path in TERRAFORM.rglob("*.tf")]
    assert texts
    assert [text for text in texts if "checkov:skip" in text] == []
