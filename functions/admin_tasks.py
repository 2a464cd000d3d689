"""Tasks as people see them, and their word on those in doubt (runbook 1.6, section 3)."""

from urllib.parse import urlencode

import azure.functions as func

from functions.http_shell import Call, Rendered, respond
from shared.domain.refusals import Refused
from shared.domain.tasks import TaskVerdict
from shared.steps.task_calls import all_tasks, gateway_tasks, resolve_task
from shared.web.requests import ResolveBody, cursor_text, parse_after, parse_limit, parse_task_status
from shared.web.responses import resolved_document, task_page_document, tasks_document
from shared.web.routes import GATEWAY_TASKS, RESOLVE_TASK, TASKS

bp = func.Blueprint()


@bp.function_name(GATEWAY_TASKS.name)
@bp.route(route=GATEWAY_TASKS.path, auth_level=func.AuthLevel.ANONYMOUS)
def tasks_of_gateway(req: func.HttpRequest) -> func.HttpResponse:
    """List a gateway's tasks as a bare array; `Link` leads to the next page (RFC 8288)."""

    def get(call: Call) -> Rendered:
        status, limit, after = parse_task_status(call.query), parse_limit(call.query), parse_after(call.query)
        gateway_id = call.path("gateway_id")
        page = gateway_tasks(call.ports, gateway_id, status=status, limit=limit, after=after)
        headers = {}
        if page.next_after:
            query = {"status": status.value} if status else {}
            query |= {"limit": str(limit), "after": cursor_text(page.next_after)}
            where = call.absolute(GATEWAY_TASKS.path.format(gateway_id=gateway_id))
            headers["Link"] = f'<{where}?{urlencode(query)}>; rel="next"'
        return Rendered(200, tasks_document(page.tasks), headers)

    return respond(req, GATEWAY_TASKS, {"GET": get})


@bp.function_name(TASKS.name)
@bp.route(route=TASKS.path, auth_level=func.AuthLevel.ANONYMOUS)
def tasks(req: func.HttpRequest) -> func.HttpResponse:
    """List tasks by pages."""

    def get(call: Call) -> Rendered:
        status, limit, after = parse_task_status(call.query), parse_limit(call.query), parse_after(call.query)
        page = all_tasks(call.ports, call.query.get("environment"), status=status, limit=limit, after=after)
        return Rendered(200, task_page_document(page.tasks, cursor_text(page.next_after) if page.next_after else None))

    return respond(req, TASKS, {"GET": get})


@bp.function_name(RESOLVE_TASK.name)
@bp.route(route=RESOLVE_TASK.path, auth_level=func.AuthLevel.ANONYMOUS)
def resolve(req: func.HttpRequest) -> func.HttpResponse:
    """Leave a task in doubt as a person decided."""

    def post(call: Call) -> Rendered:
        body = call.body(ResolveBody)
        verdict = TaskVerdict(resolution=body.decision, by=call.actor, reason=body.reason)
        outcome = resolve_task(call.ports, call.path("task_id"), verdict)
        if isinstance(outcome, Refused):
            return call.refused(outcome)
        headers = {"Idempotent-Replayed": "true"} if outcome.repeated else {}
        return Rendered(200, resolved_document(outcome.after, body.decision), headers)

    return respond(req, RESOLVE_TASK, {"POST": post})
