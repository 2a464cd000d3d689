"""A stand-in for curl on machines without it: `curl [-s] [-X METHOD] [-H HEADER]... URL`."""

import argparse
import sys

import httpx2

COULD_NOT_CONNECT = 7  # curl(1), "EXIT CODES"


def main(arguments: list[str]) -> int:
    """Print the body of the answer; the exit codes are curl's."""
    line = argparse.ArgumentParser(prog="curl")
    line.add_argument("-s", action="store_true")
    line.add_argument("-X", dest="method", default="GET")
    line.add_argument("-H", dest="headers", action="append", default=[])
    line.add_argument("url")
    given = line.parse_args(arguments)
    headers = dict(header.split(": ", 1) for header in given.headers)
    try:
        answer = httpx2.request(given.method, given.url, headers=headers, timeout=None, trust_env=False)
    except httpx2.ConnectError:
        return COULD_NOT_CONNECT
    sys.stdout.buffer.write(answer.content)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
