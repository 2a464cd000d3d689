"""Reports of single operations, and the history of all."""

import azure.functions as func

from functions.http_shell import Call, Rendered, Text, respond
from shared.steps.operation_reports import read_history, report_operation
from shared.web.evidence_queries import MARKDOWN, parse_kind, wants_markdown
from shared.web.report_documents import history_document, report_document
from shared.web.report_markdown import report_markdown
from shared.web.requests import parse_limit
from shared.web.routes import HISTORY, REPORT

bp = func.Blueprint()


@bp.function_name(REPORT.name)
@bp.route(route=REPORT.path, auth_level=func.AuthLevel.ANONYMOUS)
def operation_report(req: func.HttpRequest) -> func.HttpResponse:
    """Report on one operation, as JSON or as Markdown."""

    def get(call: Call) -> Rendered:
        as_markdown = wants_markdown(call.query, call.request.headers.get("accept"))
        report = report_operation(call.ports, call.path("operation_id"))
        document = Text(MARKDOWN, report_markdown(report)) if as_markdown else report_document(report)
        return Rendered(200, document, {"Vary": "Accept"})

    return respond(req, REPORT, {"GET": get})


@bp.function_name(HISTORY.name)
@bp.route(route=HISTORY.path, auth_level=func.AuthLevel.ANONYMOUS)
def operation_history(req: func.HttpRequest) -> func.HttpResponse:
    """List ended operations with their times, and the trends."""

    def get(call: Call) -> Rendered:
        kind, limit = parse_kind(call.query), parse_limit(call.query)
        return Rendered(
            200, history_document(read_history(call.ports, call.path("environment"), kind=kind, limit=limit))
        )

    return respond(req, HISTORY, {"GET": get})
