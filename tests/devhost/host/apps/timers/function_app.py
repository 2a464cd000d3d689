"""Timer functions that write down when they ran."""

# The Durable library has no type hints.
# mypy: disable-error-code="import-untyped, untyped-decorator, no-any-return, attr-defined"

import os
import time

import azure.functions as func

app = func.FunctionApp()


def _note(line: str) -> None:
    with open(os.environ["RUNS_FILE"], "a", encoding="utf-8") as file:
        file.write(line + "\n")


@app.timer_trigger(arg_name="timer", schedule="%EVERY%", use_monitor=True)
def often(timer: func.TimerRequest) -> None:
    _note(f"often-start {timer.past_due}")
    time.sleep(0.35)
    _note("often-end")


@app.timer_trigger(arg_name="timer", schedule="0 0 3 1 1 *", run_on_startup=True)
def yearly(timer: func.TimerRequest) -> None:
    _note(f"yearly {timer.past_due}")
    raise RuntimeError("a failing timer function must not end the schedule")


@app.timer_trigger(arg_name="timer", schedule="01:00:00")
def hourly(timer: func.TimerRequest) -> None:
    _note(f"hourly {timer.past_due} {bool(timer.schedule_status)}")
