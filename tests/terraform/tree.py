"""The Terraform configuration as Python values: parsed, without quotes around strings, with the place of each block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import hcl2
from hcl2.utils import SerializationOptions

from tests.tidy.tree import ROOT

TERRAFORM: Final = ROOT / "infra" / "terraform"
_OPTIONS: Final = SerializationOptions(
    with_comments=False, explicit_blocks=False, preserve_heredocs=False, strip_string_quotes=True
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block such as `resource "azurerm_storage_account" "host" {...}`."""

    path: str  # below infra/terraform
    kind: str
    labels: tuple[str, ...]
    body: Mapping[str, Any]

    @property
    def module(self) -> str:
        """The folder of the module, empty for the root."""
        return self.path.rpartition("/")[0]

    @property
    def address(self) -> str:
        return ".".join(part for part in (self.module.replace("modules/", ""), *self.labels) if part)


def texts() -> dict[str, str]:
    """Return the text of every `.tf` file by its path below infra/terraform."""
    return {path.relative_to(TERRAFORM).as_posix(): path.read_text(encoding="utf-8") for path in _files()}


def blocks(sources: Mapping[str, str], kind: str = "", *first_labels: str) -> list[Block]:
    """Return the blocks of the files, those of one kind and with these first labels if they are given."""
    found = [block for path, text in sorted(sources.items()) for block in _parsed(path, text)]
    return [b for b in found if kind in ("", b.kind) and b.labels[: len(first_labels)] == first_labels]


def values_of(text: str) -> dict[str, Any]:
    """Return the attributes of a file without blocks, such as a `.tfvars` file."""
    return dict(hcl2.loads(text, serialization_options=_OPTIONS))


def one_local(sources: Mapping[str, str], module: str, name: str) -> Any:
    """Return the value of one `locals` entry of a module.

    Raises:
        LookupError: The module has none of this name.
    """
    for block in blocks(sources, "locals"):
        if block.module == module and name in block.body:
            return block.body[name]
    raise LookupError(f"{module} has no local {name}")


def walk(value: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every key path and value inside a value, the value itself first."""
    yield path, value
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from walk(inner, *path, unquoted(str(key)))
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner, *path)


def unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


def _files() -> list[Any]:
    return [path for path in sorted(TERRAFORM.rglob("*.tf")) if ".terraform" not in path.parts]


@lru_cache(maxsize=512)
def _parsed(path: str, text: str) -> tuple[Block, ...]:
    found = []
    for kind, entries in hcl2.loads(text, serialization_options=_OPTIONS).items():
        for entry in entries:
            found += _labelled(path, str(kind), entry, _LABELS.get(str(kind), 0))
    return tuple(found)


_LABELS: Final = {"resource": 2, "data": 2, "variable": 1, "output": 1, "module": 1, "provider": 1}


def _labelled(path: str, kind: str, entry: Any, depth: int, *labels: str) -> list[Block]:
    if depth == 0:
        return [Block(path=path, kind=kind, labels=labels, body=entry)]
    return [
        block
        for label, inner in entry.items()
        for block in _labelled(path, kind, inner, depth - 1, *labels, unquoted(str(label)))
    ]
