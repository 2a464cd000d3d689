"""The timer that cleans up tasks without progress (runbook section 3)."""

import azure.functions as func

from shared.steps.reconcile import expire_tasks
from shared.wiring import ports

bp = func.Blueprint()


@bp.function_name("task_timeouts")
@bp.timer_trigger(arg_name="timer", schedule="%MVDR_TASK_TIMEOUT_SCHEDULE%", run_on_startup=False, use_monitor=False)
def task_timeouts(timer: func.TimerRequest) -> None:
    """Requeue, hold or give up tasks whose gateway has been silent about them too long."""
    del timer
    expire_tasks(ports())
