"""Drills: begin, watch and abort them, and the schedule. The reconciler starts the orchestration of what began."""

import azure.functions as func

from functions.http_shell import Call, Rendered, respond
from shared.domain.failover import Joined
from shared.domain.faults import UnknownOperation
from shared.domain.refusals import Refused
from shared.ports import Reported
from shared.steps.admin_calls import find_operation
from shared.steps.begin_drill import abort_drill, begin_drill, begin_scheduled_drill
from shared.steps.canary_calls import report_canary
from shared.steps.observe import environment_of
from shared.web.drill_documents import CanaryBody, DrillBody, drills_document
from shared.web.responses import operation_document
from shared.web.routes import ABORT_DRILL, CANARY, DRILLS, OPERATION
from shared.wiring import ports

bp = func.Blueprint()


@bp.function_name(DRILLS.name)
@bp.route(route=DRILLS.path, auth_level=func.AuthLevel.ANONYMOUS)
def drills(req: func.HttpRequest) -> func.HttpResponse:
    """Show how the environment's drills stand, or begin one."""
    return respond(req, DRILLS, {"GET": _get, "POST": _post})


@bp.function_name(ABORT_DRILL.name)
@bp.route(route=ABORT_DRILL.path, auth_level=func.AuthLevel.ANONYMOUS)
def abort(req: func.HttpRequest) -> func.HttpResponse:
    """End a drill early; it still stops the cluster."""

    def post(call: Call) -> Rendered:
        body, environment = call.body(DrillBody), environment_of(call.ports, call.path("environment")).name
        operation_id = call.path("operation_id")
        refused = abort_drill(call.ports, operation_id, environment, actor=call.actor, reason=body.reason)
        if refused is not None:
            return call.refused(refused, environment=environment)
        return _operation(call, operation_id)

    return respond(req, ABORT_DRILL, {"POST": post})


@bp.function_name(CANARY.name)
@bp.route(route=CANARY.path, auth_level=func.AuthLevel.ANONYMOUS)
def canary(req: func.HttpRequest) -> func.HttpResponse:
    """Take a gateway's report about its canary."""

    def post(call: Call) -> Rendered:
        body = call.body(CanaryBody)
        report = body.report(call.path("drill_id"))
        kept = report_canary(call.ports, call.path("gateway_id"), body.environment, report, call.identity)
        if not isinstance(kept, Reported):
            return call.refused(kept, environment=body.environment)
        return Rendered(200, {"outcome": kept.value})

    return respond(req, CANARY, {"POST": post})


@bp.function_name("scheduled_drills")
@bp.timer_trigger(arg_name="timer", schedule="%MVDR_DRILL_SCHEDULE%", run_on_startup=False, use_monitor=True)
def scheduled_drills(timer: func.TimerRequest) -> None:
    """Begin the drill that has waited longest."""
    del timer
    begin_scheduled_drill(ports())


def _get(call: Call) -> Rendered:
    environment = environment_of(call.ports, call.path("environment")).name
    found = call.ports.drills.read(environment)
    now, policy = call.ports.clock.now(), call.ports.policy
    return Rendered(200, drills_document(environment, found.value if found else None, now=now, policy=policy))


def _post(call: Call) -> Rendered:
    body, environment = call.body(DrillBody), call.path("environment")
    begun = begin_drill(
        call.ports, environment, requested_by=call.actor, reason=body.reason, traceparent=call.traceparent
    )
    if isinstance(begun, Refused):
        return call.refused(begun, environment=environment)
    return _operation(call, begun.operation_id if isinstance(begun, Joined) else begun.request.id)


def _operation(call: Call, operation_id: str) -> Rendered:
    found = find_operation(call.ports, operation_id)
    if found is None:
        raise UnknownOperation(f"Operation {operation_id} does not exist")
    where = call.absolute(OPERATION.path.format(operation_id=operation_id))
    headers = {"Operation-Location": where, "Operation-Id": operation_id, "Retry-After": "5"}
    return Rendered(202, operation_document(found), headers)
