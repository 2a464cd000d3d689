"""What the control plane may do by itself in an environment: modes, pause, resume."""

import azure.functions as func

from functions.http_shell import Call, Rendered, respond
from shared.domain.modes import Modes
from shared.domain.refusals import Refused
from shared.steps.change_modes import modes_of, pause_environment, put_modes, resume_environment
from shared.web.conditions import entity_tag, has_version, parse_if_match
from shared.web.modes import ModesBody, PauseBody, ResumeBody, end_of_pause, modes_document
from shared.web.routes import MODES, PAUSE, RESUME

bp = func.Blueprint()


@bp.function_name(MODES.name)
@bp.route(route=MODES.path, auth_level=func.AuthLevel.ANONYMOUS)
def modes(req: func.HttpRequest) -> func.HttpResponse:
    """Show or set the modes of an environment."""

    def get(call: Call) -> Rendered:
        found = modes_of(call.ports, call.path("environment"))
        if has_version(call.request.headers.get("if-none-match"), found.version()):
            return Rendered(304, None, {"ETag": entity_tag(found.version())})
        return _rendered(call, found)

    def put(call: Call) -> Rendered:
        matches, body = parse_if_match(call.request.headers.get("if-match")), call.body(ModesBody)
        done = put_modes(
            call.ports, call.path("environment"), auto_failover=body.auto_failover, prewarm=body.prewarm,
            two_person=body.two_person, matches=matches, actor=call.actor, actor_id=call.actor_id,
            reason=body.reason,
        )  # fmt: skip
        waits = isinstance(done, Modes) and done.lifting is not None
        return _rendered(call, done, status=202 if waits else 200)

    return respond(req, MODES, {"GET": get, "PUT": put})


@bp.function_name(PAUSE.name)
@bp.route(route=PAUSE.path, auth_level=func.AuthLevel.ANONYMOUS)
def pause(req: func.HttpRequest) -> func.HttpResponse:
    """Pause an environment."""

    def post(call: Call) -> Rendered:
        body = call.body(PauseBody)
        until = end_of_pause(body, call.ports.clock.now())
        return _rendered(call, pause_environment(
            call.ports, call.path("environment"), until=until, actor=call.actor, reason=body.reason
        ))  # fmt: skip

    return respond(req, PAUSE, {"POST": post})


@bp.function_name(RESUME.name)
@bp.route(route=RESUME.path, auth_level=func.AuthLevel.ANONYMOUS)
def resume(req: func.HttpRequest) -> func.HttpResponse:
    """End a pause."""

    def post(call: Call) -> Rendered:
        body, environment = call.body(ResumeBody), call.path("environment")
        return _rendered(call, resume_environment(call.ports, environment, actor=call.actor, reason=body.reason))

    return respond(req, RESUME, {"POST": post})


def _rendered(call: Call, done: Modes | Refused, *, status: int = 200) -> Rendered:
    environment = call.path("environment")
    if isinstance(done, Refused):
        return call.refused(done, environment=environment)
    return Rendered(status, modes_document(environment, done), {"ETag": entity_tag(done.version())})
