"""`python -m app.cli` is the `luminous` command."""

from app.cli.commands import luminous

luminous(prog_name="luminous")
