"""A request crosses the orchestration as JSON; one that the release before wrote is read as it was meant."""

import json

import pytest

from shared.domain.operations import OperationKind
from shared.steps.request_codec import request_from_json, request_to_json
from tests.unit.builders import request


@pytest.mark.parametrize("kind", list(OperationKind))
@pytest.mark.parametrize("needs_approval", [False, True])
def test_a_request_comes_back_as_it_was(kind: OperationKind, *, needs_approval: bool) -> None:
    asked = request(kind, reason="region is gone", needs_approval=needs_approval, forced=needs_approval, retry_of="x")
    assert request_from_json(json.loads(json.dumps(request_to_json(asked)))) == asked


def test_a_request_of_the_release_before_needs_no_approval() -> None:
    asked = request()
    since = ("needs_approval", "forced", "retry_of")
    before = {name: value for name, value in request_to_json(asked).items() if name not in since}
    assert request_from_json(before) == asked
