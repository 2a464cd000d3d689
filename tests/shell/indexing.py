"""Prints what the worker would tell the platform about the app, as JSON: run in a process of its own."""

import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Load the app as the worker does: its folder first on the path and current, then `get_functions` once."""
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    import azure.functions as func

    import function_app

    bound = [name for name, value in vars(function_app).items() if isinstance(value, func.FunctionRegister)]
    indexed = {
        function.get_function_name(): sorted(
            (json.loads(binding) for binding in function.get_raw_bindings()), key=lambda one: (one["type"], one["name"])
        )
        for function in function_app.app.get_functions()
    }
    loaded = sorted(name for name in sys.modules if name.split(".")[0] in ("azure", "psycopg", "psycopg_pool", "msal"))
    sys.stdout.write(json.dumps({"apps": bound, "functions": indexed, "modules": loaded}))


if __name__ == "__main__":
    main()
