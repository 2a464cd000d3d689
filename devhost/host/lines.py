"""Logging of the host process: one line per record on standard error.

A message of the application that is a JSON object stays one: it gets `at` and `level` (and `stack`, of a failure) as
members, so that its lines stay readable by machines; everything else gets time, level and logger in front.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime


class OneLine(logging.Formatter):
    """Formats a record, traceback included, as a single line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        message = record.getMessage()
        at = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        stack = self.formatException(record.exc_info) if record.exc_info else ""
        if message.startswith("{") and message.endswith("}"):
            more = json.dumps({"at": at, "level": record.levelname.lower(), **({"stack": stack} if stack else {})})
            joint = ", " if len(message) > 2 else ""
            return f"{more[:-1]}{joint}{message[1:]}"
        message = f"{at} {record.levelname} {record.name}: {message} {stack}".rstrip()
        return message.replace("\r", "").replace("\n", "\\n")


def log_to_stderr() -> None:
    """Send every record of level INFO and above, and Python's warnings, to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
