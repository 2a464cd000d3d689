"""The command that creates the product's tables: `python -m shared.adapters.table_prepare --connection-string -`.

For a store that nobody else prepares, such as Azurite; in Azure the tables come with the storage account.
"""

import argparse
import sys
from collections.abc import Sequence

from shared.adapters.tables import TABLES, connect_string, create_tables
from shared.domain.faults import Unavailable


def main(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code; running it again is safe."""
    parser = argparse.ArgumentParser(prog="table_prepare", description="Create the tables that are missing.")
    parser.add_argument("--connection-string", required=True, help="- reads it from standard input")
    given = parser.parse_args(arguments).connection_string
    text = sys.stdin.readline().strip() if given == "-" else given
    try:
        create_tables(connect_string(text))
    except (Unavailable, ValueError) as failure:
        sys.stderr.write(f"table_prepare: {failure}\n")
        return 2
    sys.stdout.write(f"{', '.join(TABLES)} are there\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
