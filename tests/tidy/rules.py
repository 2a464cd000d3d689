"""What the import contracts cannot say: rules on single names, sizes and words, found by reading the syntax tree.

Every rule is a function from a file to complaints, and every complaint names what to write instead. `TABLE` says which
module may be imported where, `ONE_PLACE` which name may be used where. A path ending in `/` means the folder below it.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

PRODUCT = ("functions/", "shared/", "function_app.py")
Complaints: TypeAlias = Iterator[tuple[int, str]]  # line number, what is wrong and what to write instead
# Never shipped: they play the platform, so they may touch what the product may not.
OUTSIDE = ("devhost/", "docs/", "release/", "tests/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ban:
    """Names that only `allowed` files may use, and what everybody else uses."""

    names: tuple[str, ...]
    allowed: tuple[str, ...]
    instead: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One Python file, parsed."""

    path: str
    text: str
    tree: ast.Module

    @classmethod
    def parse(cls, path: str, text: str) -> Source:
        return cls(path=path, text=text, tree=ast.parse(text, filename=path))

    def is_in(self, places: tuple[str, ...]) -> bool:
        return any(self.path.startswith(place) if place.endswith("/") else self.path == place for place in places)


TABLE = (
    Ban(
        names=("azure.functions", "azure.durable_functions"),
        allowed=("functions/", "function_app.py", *OUTSIDE),
        instead="put the trigger into functions/ and the rule into shared/",
    ),
    Ban(
        names=("azure.data", "azure.core", "azure.mgmt", "azure.identity", "psycopg", "psycopg_pool"),
        allowed=("shared/adapters/", *OUTSIDE),
        instead="go through a port of shared/ports",
    ),
    Ban(
        names=("random", "secrets", "uuid.uuid1", "uuid.uuid4"),
        allowed=("shared/adapters/random_ids.py", "gateway_agent/", "drctl/", *OUTSIDE),
        instead="ask the id port, which shared/adapters/random_ids.py serves",
    ),
)
ONE_PLACE = (
    Ban(
        names=("time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns", "time.perf_counter", "datetime.now",
               "datetime.datetime.now", "date.today", "datetime.date.today"),
        allowed=("shared/adapters/system_clock.py", "gateway_agent/", "drctl/", *OUTSIDE),
        instead="ask the clock port, which shared/adapters/system_clock.py serves",
    ),
    Ban(
        names=("uuid.uuid1", "uuid.uuid4", "os.urandom"),
        allowed=("shared/adapters/random_ids.py", "gateway_agent/", "drctl/", *OUTSIDE),
        instead="ask the id port, which shared/adapters/random_ids.py serves",
    ),
    Ban(
        names=("os.environ", "os.getenv"),
        allowed=("shared/wiring.py", "gateway_agent/", "drctl/", *OUTSIDE),
        instead="add a field to shared/config.py; shared/wiring.py reads the environment",
    ),
    Ban(
        names=("jwt.PyJWKClient",),
        allowed=("shared/adapters/", *OUTSIDE),
        instead="ask the signing-keys port",
    ),
    Ban(names=("datetime.utcnow", "datetime.datetime.utcnow"), allowed=(), instead="use datetime.now(UTC) in a clock"),
    Ban(
        names=("print",),
        allowed=("devhost/", "docs/", "drctl/", "release/", "tests/", ".ci/"),
        instead="log an event of shared/telemetry.py",
    ),
)  # fmt: skip
LAZY = ("azure.identity", "azure.mgmt")
# The Durable library raises bare exceptions for failed activities, so its callers and sample orchestrators catch them.
BROAD_CATCH = ("functions/http_shell.py", "functions/durable_driver.py", "devhost/", "tests/devhost/host/")
TABLE_WRITES = ("update_entity", "upsert_entity", "delete_entity", "submit_transaction")
LINES, TEST_LINES, FUNCTION_LINES = 300, 400, 60


def dotted(node: ast.expr) -> str:
    """Return `a.b.c` for a chain of attributes on a name, else an empty string."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        owner = dotted(node.value)
        return f"{owner}.{node.attr}" if owner else ""
    return ""


def imported(node: ast.AST) -> list[str]:
    """Return the full names an import statement brings in."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def is_under(name: str, module: str) -> bool:
    return name == module or name.startswith(module + ".")


def aliases(tree: ast.Module) -> dict[str, str]:
    """Return what each imported name of the file stands for: `{"now": "datetime.datetime.now"}`."""
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known |= {a.asname: a.name for a in node.names if a.asname}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            known |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return known


def imports_stay_in_their_place(source: Source) -> Complaints:
    for node in ast.walk(source.tree):
        for name in imported(node):
            for ban in TABLE:
                if any(is_under(name, module) for module in ban.names) and not source.is_in(ban.allowed):
                    yield line(node), f"imports {name}; {ban.instead}"


def names_stay_in_their_place(source: Source) -> Complaints:
    known = aliases(source.tree)
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Name | ast.Attribute):
            continue
        first, _, rest = dotted(node).partition(".")
        name = ".".join(part for part in (known.get(first, first), rest) if part)
        for ban in ONE_PLACE:
            if name in ban.names and not source.is_in(ban.allowed):
                yield line(node), f"uses {name}; {ban.instead}"


def instants_have_a_zone(source: Source) -> Complaints:
    known = aliases(source.tree)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and not node.args and not node.keywords:
            first, _, rest = dotted(node.func).partition(".")
            if f"{known.get(first, first)}.{rest}" in ("datetime.datetime.now", "datetime.now"):
                yield line(node), "datetime.now() without a zone; write datetime.now(UTC)"


def slow_packages_are_imported_late(source: Source) -> Complaints:
    if not source.is_in(PRODUCT):
        return
    for node in module_level(source.tree.body):
        for name in imported(node):
            if any(is_under(name, module) for module in LAZY):
                yield line(node), f"imports {name} at start-up; import it inside the function that needs it"


def module_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that run on import; those under `if TYPE_CHECKING:` do not."""
    for node in body:
        yield node
        if isinstance(node, ast.If) and dotted(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            yield from module_level(node.orelse)
        elif isinstance(node, ast.If | ast.Try | ast.With | ast.ClassDef):
            for field in ("body", "orelse", "finalbody", "handlers"):
                for child in getattr(node, field, []):
                    yield from module_level(child.body if isinstance(child, ast.ExceptHandler) else [child])


def core_is_standard_library(source: Source) -> Complaints:
    homes = {"shared/domain/": {"shared"}, "shared/flows/": {"shared"}, "gateway_agent/": {"gateway_agent", "httpx2"}}
    own = next((names for home, names in homes.items() if source.is_in((home,))), None)
    for node in ast.walk(source.tree) if own is not None else ():
        for name in imported(node):
            top = name.split(".")[0]
            if own is not None and top not in own and top not in sys.stdlib_module_names:
                yield line(node), f"imports {name}; this folder is standard library only"


def errors_are_caught_by_class(source: Source) -> Complaints:
    for node in ast.walk(source.tree):
        caught: list[ast.expr] = []
        if isinstance(node, ast.ExceptHandler):
            caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type or ast.Name("BaseException")]
        elif isinstance(node, ast.Call) and dotted(node.func).split(".")[-1] == "suppress":
            caught = node.args
        broad = {dotted(kind) for kind in caught} & {"Exception", "BaseException"}
        if broad and not source.is_in(BROAD_CATCH):
            yield line(node), f"catches {broad.pop()}; catch the one class you can add something to"


def table_writes_are_conditional(source: Source) -> Complaints:
    if source.is_in(OUTSIDE):
        return
    at_home = source.path.startswith("shared/adapters/table_")
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Tuple) and at_home and node.elts and isinstance(node.elts[0], ast.Constant):
            verb = node.elts[0].value
            if verb == "upsert" or (verb in ("update", "delete") and len(node.elts) < 3):
                yield line(node), f"unconditional {verb}; pass etag and match_condition with the entity"
        name = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
        if name not in TABLE_WRITES or not isinstance(node, ast.Call):
            continue
        if not at_home:
            yield line(node), f"{name} belongs into shared/adapters/table_*.py; go through a port"
        elif name == "upsert_entity":
            yield line(node), "upsert_entity is blind; use create_entity or a conditional update_entity"
        elif name != "submit_transaction" and "match_condition" not in {word.arg for word in node.keywords}:
            yield line(node), f"{name} without match_condition; pass etag and match_condition"


def sizes_fit_one_screen(source: Source) -> Complaints:
    is_test = source.is_in(("tests/",))
    limit, lines = TEST_LINES if is_test else LINES, len(source.text.splitlines())
    if lines > limit:
        yield 1, f"{lines} lines, the limit is {limit}; split it by idea"
    for node in ast.walk(source.tree) if not is_test else ():
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                yield line(node), f"{node.name} has {length} lines, the limit is {FUNCTION_LINES}; split it"


def line(node: ast.AST) -> int:
    return getattr(node, "lineno", 0)


PYTHON_RULES: tuple[Callable[[Source], Complaints], ...] = (
    imports_stay_in_their_place,
    names_stay_in_their_place,
    instants_have_a_zone,
    slow_packages_are_imported_late,
    core_is_standard_library,
    errors_are_caught_by_class,
    table_writes_are_conditional,
    sizes_fit_one_screen,
)


def python_complaints(source: Source) -> list[str]:
    """Return everything the syntax tree of one file breaks, in order of rules."""
    return [f"{source.path}:{number}: {complaint}" for rule in PYTHON_RULES for number, complaint in rule(source)]
