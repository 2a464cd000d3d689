"""Which files of a checkout belong to the product, named one by one: what is not asked for stays out."""

from __future__ import annotations

from pathlib import Path
from typing import Final

FILES: Final = ("function_app.py", "host.json", "requirements.txt")
FOLDERS: Final = ("functions", "shared")
SUFFIXES: Final = (".py", ".sql")


class UnfitCheckout(Exception):
    """The checkout holds what the package has no rule for; the text names the file."""


def product_files(root: Path) -> list[str]:
    """Return the product's files as sorted paths with `/`, relative to the checkout.

    Raises UnfitCheckout for a missing file and for one of another kind in the product's folders: left out unseen, it
    would be missed first by the deployed app.
    """
    found = [name for name in FILES if (root / name).is_file()]
    if missing := sorted(set(FILES) - set(found)):
        raise UnfitCheckout(f"{', '.join(missing)} is missing; run from a whole checkout")
    for folder in FOLDERS:
        for path in (root / folder).rglob("*"):
            if path.is_dir() or "__pycache__" in path.parts:
                continue
            name = path.relative_to(root).as_posix()
            if path.is_symlink() or path.suffix not in SUFFIXES:
                raise UnfitCheckout(
                    f"{name} is neither Python nor SQL; remove it, or add its kind to release/contents.py"
                )
            found.append(name)
    return sorted(found)
