"""What is left as evidence: the timeline, and the audit with its proof."""

import asyncio

import azure.functions as func

from functions.http_shell import Call, Rendered, respond, respond_async
from functions.long_poll import look_until
from shared.steps.audit_pages import audit_page, verify_audit
from shared.steps.event_pages import begin_reading, events_after
from shared.web.evidence import audit_document, events_document, verification_document
from shared.web.evidence_queries import parse_after_event, parse_anchor, parse_before_entry, parse_since
from shared.web.requests import parse_limit, parse_wait
from shared.web.routes import AUDIT, EVENTS, VERIFY_AUDIT

bp = func.Blueprint()


@bp.function_name(EVENTS.name)
@bp.route(route=EVENTS.path, auth_level=func.AuthLevel.ANONYMOUS)
async def events(req: func.HttpRequest) -> func.HttpResponse:
    """List events from a number on; with `wait`, answer as soon as there is one."""

    async def get(call: Call) -> Rendered:
        environment, wanted = call.path("environment"), parse_after_event(call.query)
        limit, wait_s = parse_limit(call.query), parse_wait(call.query, otherwise_s=0.0)
        after = await asyncio.to_thread(begin_reading, call.ports, environment, wanted)
        found = await look_until(bool, lambda: events_after(call.ports, environment, after, limit=limit), wait_s=wait_s)
        return Rendered(200, events_document(found, after=after))

    return await respond_async(req, EVENTS, {"GET": get})


@bp.function_name(AUDIT.name)
@bp.route(route=AUDIT.path, auth_level=func.AuthLevel.ANONYMOUS)
def audit(req: func.HttpRequest) -> func.HttpResponse:
    """List audit entries by pages."""

    def get(call: Call) -> Rendered:
        limit, before = parse_limit(call.query), parse_before_entry(call.query)
        entries = audit_page(call.ports, call.path("environment"), limit=limit, before=before)
        return Rendered(200, audit_document(entries, limit=limit))

    return respond(req, AUDIT, {"GET": get})


@bp.function_name(VERIFY_AUDIT.name)
@bp.route(route=VERIFY_AUDIT.path, auth_level=func.AuthLevel.ANONYMOUS)
def verify(req: func.HttpRequest) -> func.HttpResponse:
    """Say whether the chain of audit entries holds."""

    def get(call: Call) -> Rendered:
        since, anchor = parse_since(call.query), parse_anchor(call.query)
        checked = verify_audit(call.ports, call.path("environment"), since=since, anchor=anchor)
        return Rendered(200, verification_document(checked))

    return respond(req, VERIFY_AUDIT, {"GET": get})
