"""Call a function with the arguments and converters of the Azure Functions Python worker.

Synchronous functions run in a pool of threads, asynchronous ones on a single event loop of their own thread. That loop
is not the host's: a handler that blocks it stalls other handlers, as on Azure, but not the host.
"""

from __future__ import annotations

import asyncio
import os
import threading
import traceback
import uuid
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import azure.functions as func
from azure.functions.meta import Datum, get_binding_registry

from devhost.host.loader import CLIENT, HostedFunction


class InvocationFailed(Exception):
    """The function raised or its result cannot be converted; the text is `TypeName: message`."""

    def __init__(self, text: str, stack: str) -> None:
        super().__init__(text)
        self.stack = stack

    @classmethod
    def of(cls, error: BaseException) -> InvocationFailed:
        """The failure as the worker would report this exception."""
        frames = traceback.extract_tb(error.__traceback__)
        # The application's author wants the frames below the last one of this module.
        own = [index for index, frame in enumerate(frames) if frame.filename == __file__]
        return cls(
            f"{type(error).__name__}: {error}", "".join(traceback.format_list(frames[max(own, default=-1) + 1 :]))
        )


class InvocationContext(func.Context):
    """What a parameter named `context` receives."""

    def __init__(self, name: str, invocation_id: str) -> None:
        self._name = name
        self._invocation_id = invocation_id
        self._local = threading.local()

    @property
    def invocation_id(self) -> str:
        return self._invocation_id

    @property
    def thread_local_storage(self) -> Any:
        return self._local

    @property
    def function_name(self) -> str:
        return self._name

    @property
    def function_directory(self) -> str:
        return os.getcwd()

    @property
    def trace_context(self) -> Any:
        return None

    @property
    def retry_context(self) -> Any:
        return None


class Invoker:
    """Runs functions. `timeout_s` None means no limit."""

    def __init__(self, timeout_s: float | None) -> None:
        # The worker's default is Python's own.
        count = os.environ.get("PYTHON_THREADPOOL_THREAD_COUNT")
        self._pool = ThreadPoolExecutor(max_workers=int(count) if count else None, thread_name_prefix="function")
        self._timeout_s = timeout_s
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="functions", daemon=True)
        self._thread.start()
        self._client = ""

    def offer_client(self, client: str) -> None:
        """Set the JSON text every Durable client binding receives."""
        self._client = client

    async def call(self, function: HostedFunction, trigger: Datum) -> Datum | None:
        """The converted result of the function. InvocationFailed if it raised, timed out or cannot be converted."""
        try:
            arguments = self._arguments(function, trigger)
            result = await asyncio.wait_for(self._run(function, arguments), self._timeout_s)
            return _converted(function, result)
        except InvocationFailed:
            raise
        except TimeoutError as error:
            text = f"FunctionTimeoutException: Timeout of {self._timeout_s} s exceeded by function {function.name}"
            raise InvocationFailed(text, "") from error
        except Exception as error:
            raise InvocationFailed.of(error) from error

    def stop(self) -> None:
        """Take no more calls; calls that run are abandoned."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _arguments(self, function: HostedFunction, trigger: Datum) -> dict[str, Any]:
        arguments = {function.trigger.name: _converter(function.trigger_type).decode(trigger, trigger_metadata=None)}
        for parameter in function.client_parameters:
            datum = Datum(type="string", value=self._client)
            arguments[parameter] = _converter(CLIENT).decode(datum, trigger_metadata=None)
        if function.wants_context:
            arguments["context"] = InvocationContext(function.name, str(uuid.uuid4()))
        return arguments

    async def _run(self, function: HostedFunction, arguments: dict[str, Any]) -> Any:
        if function.is_async:
            coroutine = _contained(function.call(**arguments))
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, self._loop))
        call: Callable[[], Any] = partial(_contained_call, function.call, arguments)
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)


async def _contained(coroutine: Coroutine[Any, Any, Any]) -> Any:
    # A cancellation or exit inside the function must fail the call, not cancel or end the host's task that awaits it.
    try:
        return await coroutine
    except (asyncio.CancelledError, SystemExit, TimeoutError) as error:
        raise InvocationFailed.of(error) from error


def _contained_call(call: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    try:
        return call(**arguments)
    except (SystemExit, TimeoutError) as error:
        raise InvocationFailed.of(error) from error


def _converter(binding_type: str) -> Any:
    return get_binding_registry().get(binding_type)  # type: ignore[no-untyped-call]


def _converted(function: HostedFunction, result: Any) -> Datum | None:
    if function.return_type is not None:
        converter = _converter(function.return_type)
    elif (
        hasattr(_converter(function.trigger_type), "encode") and _converter(function.trigger_type).has_implicit_output()
    ):
        converter = _converter(function.trigger_type)
    elif result is None:
        return None
    else:
        raise RuntimeError(f"function {function.name} without a $return binding returned a non-None value")
    datum: Datum = converter.encode(result, expected_type=None)
    return datum
