"""A stand-in for jq on machines without it, by the same engine: `jq [-r] FILTER`, from standard input."""

import importlib
import json
import sys


def main(arguments: list[str]) -> int:
    """Filter standard input; the exit codes are jq's."""
    raw = "-r" in arguments
    (program,) = [word for word in arguments if word != "-r"]
    engine = importlib.import_module("jq")  # the PyPI package of jq's own library
    try:
        for result in engine.compile(program).input_text(sys.stdin.read()):
            print(result if raw and isinstance(result, str) else json.dumps(result, indent=2, ensure_ascii=False))
    except ValueError as error:
        print(f"jq: error: {error}", file=sys.stderr)
        return 5
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
