"""Events as log lines: one JSON object per line, an event name in the past tense, fields instead of prose."""

import json
import logging
from typing import Final

from shared.domain.refusals import JsonValue

_LOGGER: Final = logging.getLogger("mazevault.dr")


def log(event: str, **fields: JsonValue) -> None:
    """Write one event, e.g. `log("fence.raised", environment="PRO", fencing_token="17...")`."""
    _LOGGER.info(_line(event, fields))


def warn(event: str, **fields: JsonValue) -> None:
    """Write one event that an operator should look at."""
    _LOGGER.warning(_line(event, fields))


def fault(event: str, failure: BaseException, **fields: JsonValue) -> None:
    """Write one event about an unexpected failure, with its stack."""
    _LOGGER.error(_line(event, {**fields, "fault": f"{type(failure).__name__}: {failure}"}), exc_info=failure)


def _line(event: str, fields: dict[str, JsonValue]) -> str:
    return json.dumps({"event": event, **fields}, separators=(",", ":"), default=str)
