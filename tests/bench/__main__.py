"""Benches: `./run bench -- queue`."""

import argparse

from rich.console import Console

from tests.bench import queue

TEXT = """\
Measures against others in one interleaved run; figures are ratios with their spread, and the
guarantees of each stand beside them. The first run makes an environment for each peer under
build/bench/env; results go to build/bench/NAME.json, the tables are made from them, and each figure
is printed as a line of JSON.

  ./run bench -- queue                          five rounds, minutes
  ./run bench -- queue --rounds 1 --number 200  a trial, seconds
"""


def main() -> None:
    """Read the command line and run what it names."""
    parser = argparse.ArgumentParser(
        prog="./run bench --", description=TEXT, formatter_class=argparse.RawTextHelpFormatter
    )
    benches = parser.add_subparsers(dest="bench", required=True)
    queue.options(benches.add_parser("queue", help="tasks per second, against other queues"))
    queue.measure(parser.parse_args(), Console(stderr=True))


main()
