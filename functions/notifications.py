"""Notifications: the timer that tells people, how the channels stand, and a test of one."""

import azure.functions as func

from functions.http_shell import Call, Rendered, respond
from shared.steps.notification_calls import channel_states, send_test
from shared.steps.notify import notify
from shared.web.notification_documents import attempt_document, channels_document
from shared.web.routes import NOTIFICATIONS, TEST_CHANNEL
from shared.wiring import ports

bp = func.Blueprint()


@bp.function_name(NOTIFICATIONS.name)
@bp.route(route=NOTIFICATIONS.path, auth_level=func.AuthLevel.ANONYMOUS)
def overview(req: func.HttpRequest) -> func.HttpResponse:
    """Show the channels, and the newest attempts to reach people through them."""

    def get(call: Call) -> Rendered:
        return Rendered(200, channels_document(channel_states(call.ports), now=call.ports.clock.now()))

    return respond(req, NOTIFICATIONS, {"GET": get})


@bp.function_name(TEST_CHANNEL.name)
@bp.route(route=TEST_CHANNEL.path, auth_level=func.AuthLevel.ANONYMOUS)
def test_channel(req: func.HttpRequest) -> func.HttpResponse:
    """Send a test through one channel."""

    def post(call: Call) -> Rendered:
        attempt = send_test(call.ports, call.path("channel"), actor=call.actor)
        return Rendered(200, {"channel": attempt.channel, **attempt_document(attempt)})

    return respond(req, TEST_CHANNEL, {"POST": post})


@bp.function_name("notifications")
@bp.timer_trigger(arg_name="timer", schedule="%MVDR_NOTIFICATION_SCHEDULE%", run_on_startup=False, use_monitor=False)
def notifications(timer: func.TimerRequest) -> None:
    """Tell the channels what is new in the timelines."""
    del timer
    notify(ports())
