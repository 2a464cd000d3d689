"""Refusals say what was refused, in the runbook's words where it has some, and what to do next."""

import json
import re

import pytest

from shared.domain.refusals import RefusalCode, Refused

EVERY_CODE = pytest.mark.parametrize("code", list(RefusalCode), ids=lambda code: code.code)


def test_the_messages_the_runbook_quotes_are_exact() -> None:
    assert RefusalCode.PRIMARY_NOT_FAILED.message == "Primary is not in failed state"


def test_every_refusal_has_a_code_of_its_own() -> None:
    assert len({code.code for code in RefusalCode}) == len(RefusalCode.__members__)


@EVERY_CODE
def test_a_code_is_its_name_in_one_word(code: RefusalCode) -> None:
    assert code.code == "".join(word.capitalize() for word in code.name.split("_"))


@EVERY_CODE
def test_every_refusal_has_a_message_a_hint_and_a_section_of_the_runbook(code: RefusalCode) -> None:
    assert re.fullmatch(r"[A-Z].*[^.]", code.message)
    assert re.fullmatch(r"[A-Z].*\.", code.hint)
    assert re.fullmatch(r"[1-4](\.[1-6])?", code.runbook)


def test_a_refusal_becomes_the_error_of_an_operation_with_its_evidence() -> None:
    refused = Refused(code=RefusalCode.CLUSTER_IN_USE, detail="gw-pro-dr holds the lock", evidence={"holder": "x"})

    assert json.loads(json.dumps(refused.to_json())) == {
        "code": "ClusterInUse",
        "message": "The environment needs its DR cluster",
        "detail": "gw-pro-dr holds the lock",
        "hint": "The cluster is stopped only while the primary holds the lock and nothing else is planned.",
        "runbook": "2.4",
        "evidence": {"holder": "x"},
    }


def test_a_refusal_without_evidence_says_so() -> None:
    assert Refused(code=RefusalCode.SUPERSEDED, detail="").to_json()["evidence"] == {}
