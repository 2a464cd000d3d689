"""Rules on words and file names, and rules that need more than one file to judge."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from tests.tidy.rules import Source, dotted, imported, is_under

DURABLE_FILES = 4

# Each word is spelled so that this file does not contain what it looks for.
WORDS = (
    (
        re.compile(r"\b(?:TO[D]O|FIX[M]E|XX[X])\b(?!\s*\(#\d+\))"),
        "give it an issue number, TO" + "DO(#12), or do it now",
    ),
    (re.compile(r"\b(?:pypi|pythonhosted|npmjs)\.(?:org|com)\b"), "name no package registry; say the package's name"),
    (
        re.compile(r"(?<![\w.~})])/(?:work|root|home(?!/site/))/"),
        "no path of one machine; make it relative to the checkout",
    ),
)


def text_complaints(path: str, text: str) -> Iterator[str]:
    """Complain about words and file names that no file of the project may have."""
    if PurePosixPath(path).name == "function" + ".json":
        yield f"{path}: the v1 programming model; register the function in a blueprint of functions/"
    for number, content in enumerate(text.splitlines(), start=1):
        for pattern, instead in WORDS:
            if found := pattern.search(content):
                yield f"{path}:{number}: {found.group()!r}; {instead}"


def durable_complaints(sources: list[Source]) -> Iterator[str]:
    """Complain when Durable's names spread: a later move away from it must stay a change of few files."""
    users = {s.path for s in sources if s.is_in(("functions/",)) for node in ast.walk(s.tree)
             for name in imported(node) if is_under(name, "azure.durable_functions")}  # fmt: skip
    if len(users) > DURABLE_FILES:
        yield f"{len(users)} files name azure.durable_functions, the limit is {DURABLE_FILES}: {sorted(users)}"


def blueprint_complaints(sources: list[Source]) -> Iterator[str]:
    """Complain when one blueprint imports another: what two triggers share lies in shared/ or in a shell module."""
    triggers = {s.path.removesuffix(".py").replace("/", ".") for s in sources if is_blueprint(s)}
    for source in sources:
        if is_blueprint(source):
            for node in ast.walk(source.tree):
                for name in imported(node):
                    if any(is_under(name, other) for other in triggers):
                        yield f"{source.path}: imports the blueprint {name}; move what both need into shared/"


def is_blueprint(source: Source) -> bool:
    """Whether a module of functions/ makes a Blueprint of its own."""
    calls = (node for node in ast.walk(source.tree) if isinstance(node, ast.Call))
    makes_one = any(dotted(call.func).split(".")[-1] == "Blueprint" for call in calls)
    return makes_one and source.path.startswith("functions/") and not source.path.endswith("__init__.py")
