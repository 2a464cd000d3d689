"""Import a `function_app.py` the way the Azure Functions Python worker does, and check what it declares.

The rules are those of the worker's `loader.py` and `functions.py`: one application object bound to one module-level
name, indexed once; function parameters and bindings must be the same set.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import azure.functions as func

from devhost.host.settings import disabled

HTTP = "httpTrigger"
TIMER = "timerTrigger"
ACTIVITY = "activityTrigger"
ORCHESTRATION = "orchestrationTrigger"
CLIENT = "durableClient"
_HOSTED_TRIGGERS = frozenset({HTTP, TIMER, ACTIVITY, ORCHESTRATION})
_RETURN = "$return"
_FUNCTION_NAME = re.compile(r"[a-z][a-z0-9_\-]{0,127}", re.IGNORECASE)


class LoadError(Exception):
    """The application cannot be hosted; the text says which rule it breaks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedFunction:
    """One function of the application; `trigger` is the library's trigger binding with its typed attributes."""

    name: str
    call: Callable[..., Any]
    is_async: bool
    trigger: Any
    trigger_type: str
    client_parameters: tuple[str, ...]
    wants_context: bool
    return_type: str | None

    @property
    def durable_name(self) -> str:
        """The name orchestrators and clients use: the alias of the decorator, else the function's name."""
        alias = getattr(self.trigger, "activity", None) or getattr(self.trigger, "orchestration", None)
        return alias or self.name


def load_functions(app_dir: Path) -> tuple[HostedFunction, ...]:
    """The enabled functions of the application, in no particular order.

    Changes the working directory to `app_dir` and puts it first on `sys.path`: the Durable library reads ./host.json
    when it is imported. LoadError if a rule is broken; whatever the application raises while importing comes through.
    """
    os.chdir(app_dir)
    sys.path.insert(0, str(app_dir))
    os.environ.setdefault("AzureWebJobsScriptRoot", str(app_dir))
    module_name = os.environ.get("PYTHON_SCRIPT_FILE_NAME", "function_app.py").removesuffix(".py")
    module = importlib.import_module(module_name)
    apps = [name for name, value in vars(module).items() if isinstance(value, func.FunctionRegister)]
    if not apps:
        raise LoadError(f"{module_name} binds no function app object")
    if len(apps) > 1:
        raise LoadError(f"{module_name} binds more than one function app object: {', '.join(sorted(apps))}")
    try:
        # Once per process: the library keeps the names it has seen, and a second call reports every one as duplicate.
        declared = getattr(module, apps[0]).get_functions()
    except ValueError as error:
        raise LoadError(str(error)) from error
    functions = [_hosted(function) for function in declared]
    _check_durable_names(functions)
    return tuple(function for function in functions if not disabled(function.name, os.environ))


def _hosted(function: Any) -> HostedFunction:
    name = function.get_function_name()
    if not _FUNCTION_NAME.fullmatch(name) or name.lower() == "host":
        raise LoadError(f"{name!r} is not a valid function name")
    trigger = function.get_trigger()
    if trigger is None:
        raise LoadError(f"function {name} has no trigger")
    if trigger.type == "entityTrigger":
        raise LoadError(f"function {name} is a Durable entity; the local host does not run entities")
    if trigger.type not in _HOSTED_TRIGGERS:
        raise LoadError(f"function {name} has the trigger {trigger.type}, which the local host does not run")
    bindings = {binding.name: binding for binding in function.get_bindings()}
    return_type = bindings[_RETURN].type if _RETURN in bindings else None
    inputs = {key: binding for key, binding in bindings.items() if key != _RETURN and key != trigger.name}
    for binding in inputs.values():
        if binding.type != CLIENT:
            raise LoadError(f"function {name} has the binding {binding.type}, which the local host does not offer")
    call = function.get_user_function()
    parameters = set(inspect.signature(call).parameters)
    wants_context = "context" in parameters and "context" not in bindings
    _check_parameters(name, parameters - ({"context"} if wants_context else set()), set(bindings) - {_RETURN})
    return HostedFunction(
        name=name,
        call=call,
        is_async=asyncio.iscoroutinefunction(call),
        trigger=trigger,
        trigger_type=trigger.type,
        client_parameters=tuple(inputs),
        wants_context=wants_context,
        return_type=return_type,
    )


def _check_parameters(name: str, parameters: set[str], bound: set[str]) -> None:
    if parameters - bound:
        raise LoadError(f"function {name} has parameters that no binding fills: {sorted(parameters - bound)}")
    if bound - parameters:
        raise LoadError(f"function {name} has bindings that no parameter takes: {sorted(bound - parameters)}")


def _check_durable_names(functions: list[HostedFunction]) -> None:
    seen: set[tuple[str, str]] = set()
    for function in functions:
        key = (function.trigger_type, function.durable_name.lower())
        if function.trigger_type in (ACTIVITY, ORCHESTRATION) and key in seen:
            raise LoadError(f"two functions answer to the Durable name {function.durable_name!r}")
        seen.add(key)
