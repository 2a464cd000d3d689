"""Named SQL statements, kept in `.sql` files where an editor and a database administrator can read them.

A statement begins with the line `-- name: claim_tasks`, a line `-- ` with its purpose, then SQL with psycopg's
`%(name)s` placeholders, and ends with the next name or the file.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

QUERIES: Final = Path(__file__).with_name("sql") / "queries"

_HEADER: Final = re.compile(r"^-- name: (?P<name>[a-z][a-z0-9_]*)\n-- (?P<purpose>\S.*)\n", re.MULTILINE)


class UnreadableStatements(Exception):
    """A `.sql` file does not follow the format; the text names file and fault."""


def load(file: str) -> Mapping[str, str]:
    """Return the statements of `sql/queries/<file>.sql` by name. Raises UnreadableStatements."""
    return parse((QUERIES / f"{file}.sql").read_text(encoding="utf-8"), source=file)


def parse(text: str, *, source: str) -> Mapping[str, str]:
    """Return the statements of one text by name; `source` is what a fault is reported against.

    Raises:
        UnreadableStatements: Text before the first name, a name without purpose or SQL, or a name used twice.
    """
    headers = list(_HEADER.finditer(text))
    if len(headers) != text.count("-- name:"):
        raise UnreadableStatements(f"{source}: each `-- name:` needs a valid name and a line with its purpose")
    if not headers or text[: headers[0].start()].strip():
        raise UnreadableStatements(f"{source}: text before the first `-- name:`")
    ends = [header.start() for header in headers[1:]] + [len(text)]
    statements: dict[str, str] = {}
    for header, end in zip(headers, ends, strict=True):
        name, body = header["name"], text[header.end() : end].strip()
        if not body or name in statements:
            raise UnreadableStatements(f"{source}: {name} has no SQL, or is there twice")
        statements[name] = body
    return statements
