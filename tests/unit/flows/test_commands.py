"""A step's result survives the orchestration's JSON unchanged."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.flows.commands import StepOutcome, StepResult
from tests.unit.builders import PROPERTY

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = st.dictionaries(st.text(), JSON, max_size=4)


@PROPERTY
@given(
    result=st.builds(
        StepResult,
        outcome=st.sampled_from(StepOutcome),
        detail=st.text(),
        data=MEMBERS,
        error=MEMBERS,
        retry_after_s=st.floats(0, 86_400),
    )
)
def test_a_result_comes_back_from_json_as_it_went(result: StepResult) -> None:
    assert StepResult.from_json(json.loads(json.dumps(result.to_json()))) == result


def test_a_token_keeps_every_digit_because_it_travels_as_text() -> None:
    result = StepResult(outcome=StepOutcome.DONE, data={"token": str(2**63 - 1)})

    assert StepResult.from_json(json.loads(json.dumps(result.to_json()))).data["token"] == "9223372036854775807"


def test_an_outcome_this_version_does_not_know_is_not_taken_for_a_yes() -> None:
    raw = StepResult(outcome=StepOutcome.DONE).to_json()

    with pytest.raises(ValueError, match="'granted' is not a valid StepOutcome"):
        StepResult.from_json({**raw, "outcome": "granted"})
