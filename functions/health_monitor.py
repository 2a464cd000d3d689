"""The timer that runs one pass of the health monitor (runbook, overview)."""

import azure.functions as func

from shared.steps.watch_health import watch_health
from shared.wiring import ports

bp = func.Blueprint()


@bp.function_name("health_monitor")
@bp.timer_trigger(arg_name="timer", schedule="%MVDR_HEALTH_MONITOR_SCHEDULE%", run_on_startup=False, use_monitor=False)
def health_monitor(timer: func.TimerRequest) -> None:
    """Judge every gateway; a late or repeated tick changes nothing."""
    del timer
    watch_health(ports())
