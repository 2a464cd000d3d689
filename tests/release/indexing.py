"""Prints which functions an unpacked package declares: run with `-I -S`, so that only the package can be imported."""

import json
import os
import sys
from pathlib import Path


def main(folder: Path) -> None:
    """Load the app as the worker does, its libraries from the folder the platform adds to the path."""
    os.chdir(folder)
    sys.path[:0] = [str(folder), str(folder / ".python_packages" / "lib" / "site-packages")]
    import function_app

    indexed = {
        function.get_function_name(): sorted(
            (json.loads(binding) for binding in function.get_raw_bindings()), key=lambda one: (one["type"], one["name"])
        )
        for function in function_app.app.get_functions()
    }
    sys.stdout.write(json.dumps(indexed))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
