"""`python -m app.cli` is the `luminous` command."""

import sys

from app.cli.signals import Stopped, stop_on_signals


def main() -> None:
    stop_on_signals()
    try:
        from app.cli.commands import luminous  # noqa: PLC0415 - takes a second, also to be stopped

        luminous(prog_name="luminous")
    except Stopped:
        sys.exit(0)


main()
