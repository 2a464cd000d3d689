"""A sample application that uses every hosted feature once."""

# The Durable library has no type hints.
# mypy: disable-error-code="import-untyped, untyped-decorator, no-any-return, attr-defined"

import asyncio
import json
import logging
import os
import threading
import time
from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
Steps = Generator[Any, Any, Any]
_FILE = threading.Lock()


class Point:
    """A value with its own JSON form."""

    def __init__(self, x: int) -> None:
        self.x = x

    @staticmethod
    def to_json(point: "Point") -> str:
        return str(point.x)

    @staticmethod
    def from_json(text: str) -> "Point":
        return Point(int(text))


def _note(line: str) -> None:
    with _FILE, open(os.environ["RUNS_FILE"], "a", encoding="utf-8") as file:
        file.write(line + "\n")


# Activities


@app.activity_trigger(input_name="value")
def echo(value: Any) -> Any:
    _note(f"echo {value}")
    return value


@app.activity_trigger(input_name="value", activity="Doubled")
async def double_it(value: int) -> int:
    await asyncio.sleep(0)
    return value * 2


@app.activity_trigger(input_name="value")
def kind(value: Any) -> str:
    return type(value).__name__


@app.activity_trigger(input_name="point")
def moved(point: Point) -> Point:
    return Point(point.x + 1)


@app.activity_trigger(input_name="value")
def nothing(value: Any) -> None:
    """Return no value."""


@app.activity_trigger(input_name="value")
def fail(value: str) -> None:
    _note(f"fail {value}")
    raise ValueError(value)


@app.activity_trigger(input_name="seconds")
def slow(seconds: float) -> float:
    _note("slow")
    time.sleep(seconds)
    return seconds


# Orchestrators


@app.orchestration_trigger(context_name="context")
def three(context: df.DurableOrchestrationContext) -> Steps:
    results = []
    for value in range(3):
        results.append((yield context.call_activity("echo", value)))
    return results


@app.orchestration_trigger(context_name="context")
def inputs(context: df.DurableOrchestrationContext) -> Steps:
    kinds = []
    for value in ({"a": 1}, None, "plain", [1]):
        kinds.append((yield context.call_activity("kind", value)))
    point = yield context.call_activity("moved", Point(4))
    nothing_at_all = yield context.call_activity("nothing", 1)
    doubled = yield context.call_activity("Doubled", 4)
    return {"kinds": kinds, "x": point.x, "nothing": nothing_at_all, "doubled": doubled}


@app.orchestration_trigger(context_name="context")
def fast_failure(context: df.DurableOrchestrationContext) -> Steps:
    try:
        yield context.task_all([context.call_activity("fail", "no"), context.call_activity("slow", 0.6)])
    except Exception:
        return "caught"


@app.orchestration_trigger(context_name="context")
def loser(context: df.DurableOrchestrationContext) -> Steps:
    """Race an activity against a timer; the input says whether the timer is cancelled."""
    how = json.loads(context.get_input()) if isinstance(context.get_input(), str) else context.get_input()
    timer = context.create_timer(context.current_utc_datetime + timedelta(seconds=0.8))
    yield context.task_any([timer, context.call_activity("echo", "x")])
    if how["cancel"]:
        timer.cancel()
    return "done"


@app.orchestration_trigger(context_name="context")
def slow_loser(context: df.DurableOrchestrationContext) -> Steps:
    yield context.task_any([context.call_activity("slow", 0.6), context.call_activity("echo", "x")])
    return "done"


@app.orchestration_trigger(context_name="context")
def failing(context: df.DurableOrchestrationContext) -> Steps:
    yield context.call_activity("fail", "msg")


@app.orchestration_trigger(context_name="context")
def raising(context: df.DurableOrchestrationContext) -> Steps:
    yield context.call_activity("echo", 1)
    raise RuntimeError("own words")


@app.orchestration_trigger(context_name="context")
def unserialisable(context: df.DurableOrchestrationContext) -> Steps:
    yield context.call_activity("echo", 1)
    return object()


@app.orchestration_trigger(context_name="context")
def retried(context: df.DurableOrchestrationContext) -> Steps:
    options = df.RetryOptions(first_retry_interval_in_milliseconds=20, max_number_of_attempts=2)
    try:
        yield context.call_activity_with_retry("fail", options, "again")
    except Exception:
        return (yield context.call_activity("echo", "after"))


@app.orchestration_trigger(context_name="context")
def waiting(context: df.DurableOrchestrationContext) -> Steps:
    context.set_custom_status("waiting")
    return (yield context.wait_for_external_event("Go"))


@app.orchestration_trigger(context_name="context")
def delayed_wait(context: df.DurableOrchestrationContext) -> Steps:
    yield context.call_activity("slow", 0.3)
    return (yield context.wait_for_external_event("Go"))


@app.orchestration_trigger(context_name="context")
def counting(context: df.DurableOrchestrationContext) -> Steps:
    value = context.get_input()
    if value < 3:
        context.set_custom_status(f"at {value}")
        yield context.call_activity("echo", value)
        context.continue_as_new(value + 1)
        return None
    return value


@app.orchestration_trigger(context_name="context")
def parent(context: df.DurableOrchestrationContext) -> Steps:
    first = yield context.call_sub_orchestrator("three")
    try:
        yield context.call_sub_orchestrator("failing", None, f"{context.instance_id}-child")
    except Exception as error:
        return {"first": first, "error": str(error), "version": context.version}


@app.orchestration_trigger(context_name="context")
def sleeping(context: df.DurableOrchestrationContext) -> Steps:
    yield context.call_activity("slow", 0.6)
    return "late"


@app.orchestration_trigger(context_name="context")
def misspelt(context: df.DurableOrchestrationContext) -> Steps:
    yield context.call_activity("ecko", 1)


@app.orchestration_trigger(context_name="context")
def crowd(context: df.DurableOrchestrationContext) -> Steps:
    """A bit of everything, for the random kills."""
    number = context.get_input()
    children = [context.call_sub_orchestrator("three", None, f"{context.instance_id}-{part}") for part in range(2)]
    results = yield context.task_all([context.call_activity("echo", number), *children])
    yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=50))
    options = df.RetryOptions(10, 2)
    try:
        yield context.call_activity_with_retry("fail", options, "expected")
    except Exception:
        results.append("failed")
    identity = str(context.new_uuid())
    again = yield context.call_activity("echo", identity)
    return [results, again == identity]


# HTTP


@app.route(route="start/{name}/{id?}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    body = req.get_body()
    value = json.loads(body) if body else None
    try:
        made = await client.start_new(req.route_params["name"], req.route_params.get("id"), value)
    except Exception as error:
        return func.HttpResponse(str(error), status_code=409)
    return client.create_check_status_response(req, made)


@app.route(route="finish/{id}", methods=["GET"])
@app.durable_client_input(client_name="client")
async def finish(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    return await client.wait_for_completion_or_create_check_status_response(req, req.route_params["id"], 300, 50)


@app.route(route="raise/{id}/{event}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def raise_event(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    await client.raise_event(req.route_params["id"], req.route_params["event"], req.get_json())
    return func.HttpResponse("raised")


@app.route(route="control/{id}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def control(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    instance_id = req.route_params["id"]
    status = await client.get_status(instance_id, show_history=True, show_history_output=True, show_input=True)
    if req.params.get("op") == "purge":
        result = await client.purge_instance_history(instance_id)
        return func.HttpResponse(str(result.instances_deleted))
    return func.HttpResponse(json.dumps({"known": bool(status), "events": getattr(status, "historyEvents", None)}))


@app.route(route="items/{id:int?}", methods=["GET"])
def b_items(req: func.HttpRequest) -> str:
    return f"item {req.route_params.get('id', 'missing')}"


@app.route(route="items/{name}", methods=["PUT"])
def c_named(req: func.HttpRequest) -> str:
    return f"named {req.route_params['name']}"


@app.route(route="over/{anything}", methods=["GET"])
def a_wide(req: func.HttpRequest) -> str:  # noqa: ARG001 - the binding's name
    return "wide"


@app.route(route="over/exact", methods=["GET"])
def z_exact(req: func.HttpRequest) -> str:  # noqa: ARG001 - the binding's name
    return "exact"


@app.route(route="body", methods=["POST"])
def body(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    headers = {"X-Name": context.function_name, "Set-Cookie": "a=1; Path=/"}
    return func.HttpResponse(str(len(req.get_body())), status_code=201, headers=headers)


@app.route(route="broken")
def broken(req: func.HttpRequest) -> str:  # noqa: ARG001 - the binding's name
    raise RuntimeError("broken")


@app.route(route="log")
def log(req: func.HttpRequest) -> str:  # noqa: ARG001 - the binding's name
    logging.getLogger("app").info('{"event": "logged"}')
    return "ok"
