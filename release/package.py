"""Build the zip that Azure Functions Flex Consumption runs: `make package`.

The package is complete: product, locked libraries for Linux x86-64, compiled files. It holds for the Python version
that builds it, which must be the one the function app is configured with. The same checkout gives the same bytes.
Exit codes: 0 built, 1 not built.
"""

from __future__ import annotations

import argparse
import functools
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from release.archive import digest, files_of, manifest, write_archive
from release.contents import UnfitCheckout, product_files
from release.libraries import FOLDER, PLATFORM, NoLibraries, compile_all, install, remove_what_is_never_imported

ROOT: Final = Path(__file__).resolve().parents[1]
NAME: Final = "gateway-dr.zip"
CEILING_BYTES: Final = 30_000_000  # a larger one is a library nobody meant to add, and a slower cold start

Install = Callable[[Path, Path], None]  # (requirements file, target folder)


class TooLarge(Exception):
    """The package is over the ceiling; the text names its largest parts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """What was built; `file_count` and `bytes` are the zip's."""

    sha256: str
    bytes: int
    file_count: int
    python: str
    platform: str


def build(root: Path, target: Path, *, install_libraries: Install, platform: str) -> Package:
    """Build the package of the checkout `root` as `target`, its manifest and its facts beside it.

    Raises UnfitCheckout, NoLibraries and TooLarge, and then leaves no zip behind.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="package-", dir=target.parent) as staging:
        folder = Path(staging)
        for name in product_files(root):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name, folder / name)
        (folder / FOLDER).mkdir(parents=True)
        install_libraries(root / "requirements.txt", folder / FOLDER)
        remove_what_is_never_imported(folder / FOLDER)
        compile_all(folder)
        names = files_of(folder)
        write_archive(folder, target)
        target.with_suffix(".manifest").write_text(manifest(folder, names), encoding="utf-8")
        largest = _largest_parts(folder)
    size = target.stat().st_size
    if size > CEILING_BYTES:
        target.unlink()
        raise TooLarge(f"{size} bytes, the ceiling is {CEILING_BYTES}; largest before compression: {largest}")
    package = Package(
        sha256=digest(target),
        bytes=size,
        file_count=len(names),
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        platform=platform,
    )
    target.with_suffix(".json").write_text(json.dumps(asdict(package), indent=2) + "\n", encoding="utf-8")
    return package


def main(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(prog="make package", description="Build the zip that Flex Consumption runs.")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / NAME, help="default: build/gateway-dr.zip")
    parser.add_argument("--all", action="store_true", help="print the libraries' files as well")
    options = parser.parse_args(arguments)
    target: Path = options.output
    try:
        uv = ROOT / ".lab" / "uv" / "bin" / "uv"
        package = build(ROOT, target, install_libraries=functools.partial(install, uv=uv), platform=PLATFORM)
    except (UnfitCheckout, NoLibraries, TooLarge, OSError) as fault:
        print(f"package: {fault}", file=sys.stderr)
        return 1
    for line in target.with_suffix(".manifest").read_text(encoding="utf-8").splitlines():
        if options.all or FOLDER not in line:
            print(line)
    print(f"{package.sha256}  {target.name}")
    print(
        f"{package.file_count} files, {package.bytes / 1e6:.1f} MB, for Python {package.python} on {package.platform}; "
        f"all digests are in {target.with_suffix('.manifest').name}"
    )
    return 0


def _largest_parts(folder: Path) -> str:
    sizes: dict[str, int] = {}
    for name in files_of(folder):
        part = name.removeprefix(f"{FOLDER}/").split("/")[0]
        sizes[part] = sizes.get(part, 0) + (folder / name).stat().st_size
    top = sorted(sizes.items(), key=lambda item: -item[1])[:5]
    return ", ".join(f"{part} {size / 1e6:.1f} MB" for part, size in top)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
