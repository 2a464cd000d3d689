"""An orchestrator whose code differs with the environment, as after a deployment."""

# The Durable library has no type hints.
# mypy: disable-error-code="import-untyped, untyped-decorator, no-any-return, attr-defined"

import os
from collections.abc import Generator
from typing import Any

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
NAMES = {"old": "first", "renamed": "FIRST", "new": "second"}


@app.activity_trigger(input_name="value")
def first(value: Any) -> None:
    """Do nothing."""


@app.activity_trigger(input_name="value")
def second(value: Any) -> None:
    """Do nothing."""


@app.orchestration_trigger(context_name="context")
def changing(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    yield context.call_activity(NAMES[os.environ["CODE"]], 1)
    return (yield context.wait_for_external_event("Go"))
