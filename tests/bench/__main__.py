"""Benches: `./run bench -- queue`, or events, relay, calls."""

import argparse

from rich.console import Console

from tests.bench import calls, events, queue, relay

TEXT = """\
Measures against others in one interleaved run; figures are ratios with their spread, and the
guarantees of each stand beside them. The first run of `queue` or `relay` makes an environment for
each peer under build/bench/env; results go to build/bench/NAME.json, the tables are made from them,
and each figure is printed as a line of JSON.

  ./run bench -- queue                          five rounds, minutes
  ./run bench -- queue --rounds 1 --number 200  a trial, seconds
  ./run bench -- events                         five rounds, minutes
  ./run bench -- events --rounds 1 --seconds 1  a trial, less than a minute
  ./run bench -- relay                          five rounds, half an hour
  ./run bench -- relay --rounds 1 --seconds 1 --connections 100   a trial, two minutes
  ./run bench -- calls                          five rounds, ten minutes
  ./run bench -- calls --rounds 1 --seconds 1 --joins 50   a trial, a minute
"""


def main() -> None:
    """Read the command line and run what it names."""
    parser = argparse.ArgumentParser(
        prog="./run bench --", description=TEXT, formatter_class=argparse.RawTextHelpFormatter
    )
    benches = parser.add_subparsers(dest="bench", required=True)
    for bench, text in (
        (queue, "tasks per second, against other queues"),
        (events, "milliseconds of an event, from COMMIT to the handler's COMMIT"),
        (relay, "frames per second and milliseconds through a relay, against node ws and aiohttp"),
        (calls, "calls per second and milliseconds between domains, against grpc.aio"),
    ):
        which = benches.add_parser(bench.__name__.rpartition(".")[2], help=text)
        bench.options(which)
        which.set_defaults(measure=bench.measure)
    given = parser.parse_args()
    given.measure(given, Console(stderr=True))


main()
