"""The checkout obeys the tidy rules, and each rule catches the fault it was written for."""

from __future__ import annotations

import pytest

from tests.tidy.project_rules import blueprint_complaints, durable_complaints, text_complaints
from tests.tidy.rules import Source, python_complaints
from tests.tidy.tree import project_files, relative, text_of


def complaints_about(path: str, text: str) -> list[str]:
    found = list(text_complaints(path, text))
    return found + (python_complaints(Source.parse(path, text)) if path.endswith(".py") else [])


def test_every_file_of_the_project_is_tidy() -> None:
    texts = {relative(path): text for path in project_files() if (text := text_of(path)) is not None}
    assert "pyproject.toml" in texts
    sources = [Source.parse(path, text) for path, text in texts.items() if path.endswith(".py")]
    complaints = [complaint for path, text in texts.items() for complaint in text_complaints(path, text)]
    complaints += [complaint for source in sources for complaint in python_complaints(source)]
    complaints += [*durable_complaints(sources), *blueprint_complaints(sources)]
    assert not complaints, "\n" + "\n".join(complaints)


LONG_FUNCTION = "def long() -> None:\n" + "    pass\n" * 60
WORK, NUMBERLESS = "/wo" + "rk/x", "# TO" + "DO: later"

PLANTED = [
    ("shared/steps/x.py", "import azure.functions as func", "into functions/"),
    ("shared/web/x.py", "from azure import durable_functions", "into functions/"),
    ("shared/steps/x.py", "from azure.data.tables import TableClient", "shared/ports"),
    ("functions/x.py", "import psycopg", "shared/ports"),
    ("shared/steps/x.py", "import random", "random_ids.py"),
    ("shared/adapters/x.py", "from uuid import uuid4", "random_ids.py"),
    ("shared/adapters/x.py", "import uuid\nuuid.uuid4()", "random_ids.py"),
    ("shared/adapters/x.py", "import os\nos.urandom(8)", "random_ids.py"),
    ("shared/steps/x.py", "import time\ntime.time()", "system_clock.py"),
    ("shared/steps/x.py", "from time import monotonic as m\nm()", "system_clock.py"),
    ("functions/x.py", "from datetime import UTC, datetime\ndatetime.now(UTC)", "system_clock.py"),
    ("functions/x.py", "import datetime\nnow = datetime.datetime.now", "system_clock.py"),
    ("shared/config.py", "import os\nos.environ['A']", "shared/wiring.py"),
    ("functions/x.py", "from os import getenv\ngetenv('A')", "shared/wiring.py"),
    ("shared/web/x.py", "import jwt\njwt.PyJWKClient('x')", "signing-keys port"),
    ("devhost/x.py", "import datetime\ndatetime.datetime.utcnow()", "datetime.now(UTC)"),
    ("devhost/x.py", "from datetime import datetime\ndatetime.now()", "datetime.now(UTC)"),
    ("shared/steps/x.py", "print(1)", "shared/telemetry.py"),
    ("shared/adapters/x.py", "import azure.identity", "inside the function"),
    ("shared/adapters/x.py", "try:\n    import azure.mgmt.containerservice\nfinally:\n    pass", "inside the function"),
    ("shared/domain/x.py", "import pydantic", "standard library only"),
    ("shared/flows/x.py", "def f() -> None:\n    import stamina", "standard library only"),
    ("gateway_agent/x.py", "import psutil", "standard library only"),
    ("shared/steps/x.py", "try:\n    pass\nexcept Exception:\n    raise", "one class"),
    ("tests/x.py", "try:\n    pass\nexcept (ValueError, BaseException):\n    raise", "one class"),
    ("shared/steps/x.py", "try:\n    pass\nexcept:\n    raise", "one class"),
    ("shared/steps/x.py", "import contextlib\nwith contextlib.suppress(Exception):\n    pass", "one class"),
    ("shared/steps/x.py", "t.update_entity(e, match_condition=1)", "go through a port"),
    ("shared/adapters/postgres.py", "t.submit_transaction([])", "go through a port"),
    ("shared/adapters/table_locks.py", "t.upsert_entity(e, match_condition=1)", "create_entity"),
    ("shared/adapters/table_locks.py", "t.update_entity(e)", "pass etag and match_condition"),
    ("shared/adapters/table_locks.py", "t.delete_entity(e, etag=x)", "pass etag and match_condition"),
    ("shared/adapters/table_locks.py", "ops = [('upsert', e)]", "pass etag and match_condition"),
    ("shared/adapters/table_locks.py", "ops = [('update', e)]", "pass etag and match_condition"),
    ("shared/steps/x.py", "pass\n" * 301, "split it"),
    ("tests/x.py", "pass\n" * 401, "split it"),
    ("devhost/x.py", LONG_FUNCTION, "split it"),
    ("README.md", NUMBERLESS, "issue number"),
    ("docs/x.md", "see files.python" + "hosted.org", "package registry"),
    ("Makefile", f"cd {WORK}", "relative to the checkout"),
    ("functions/x/function" + ".json", "{}", "blueprint"),
]


@pytest.mark.parametrize(("path", "text", "replacement"), PLANTED)
def test_a_planted_fault_is_found_and_its_replacement_is_named(path: str, text: str, replacement: str) -> None:
    assert any(replacement in complaint for complaint in complaints_about(path, text)), complaints_about(path, text)


LEGITIMATE = [
    ("functions/x.py", "import azure.functions as func"),
    ("shared/adapters/table_locks.py", "t.update_entity(e, etag=x, match_condition=y)\nt.create_entity(e)"),
    ("shared/adapters/table_locks.py", "ops = [('create', e), ('update', e, {'match_condition': y})]"),
    ("shared/adapters/aks_clusters.py", "def f() -> None:\n    from azure.identity import ManagedIdentityCredential"),
    ("shared/adapters/x.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import azure.identity"),
    ("shared/adapters/system_clock.py", "from datetime import UTC, datetime\ndatetime.now(UTC)"),
    ("shared/web/x.py", "import uuid\nuuid.UUID('x')"),
    ("shared/wiring.py", "import os\nos.environ"),
    ("gateway_agent/lease.py", "import time\ntime.monotonic()"),
    ("functions/http_shell.py", "try:\n    pass\nexcept Exception:\n    raise"),
    ("docs/x.md", "the deployed code lies in /home/site/wwwroot; TO" + "DO (#12)"),
]


@pytest.mark.parametrize(("path", "text"), LEGITIMATE)
def test_what_is_allowed_is_not_complained_about(path: str, text: str) -> None:
    assert complaints_about(path, text) == []


def test_durable_names_in_a_fifth_file_are_found() -> None:
    text = "from azure.durable_functions import DurableOrchestrationContext"
    sources = [Source.parse(f"functions/f{number}.py", text) for number in range(5)]
    assert list(durable_complaints(sources[:4])) == []
    assert "limit is 4" in next(durable_complaints(sources))


def test_a_blueprint_that_imports_another_is_found() -> None:
    makes_one = "import azure.functions as func\nblueprint = func.Blueprint()\n"
    one = Source.parse("functions/admin_failover.py", makes_one)
    other = Source.parse("functions/operations.py", makes_one + "from functions.admin_failover import x")
    registry = Source.parse("functions/__init__.py", "from functions import admin_failover, operations")
    shell = Source.parse("functions/http_shell.py", "x = 1")
    assert list(blueprint_complaints([one, registry, shell])) == []
    assert "move what both need" in next(blueprint_complaints([one, other, registry]))
