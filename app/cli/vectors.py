"""`luminous vectors`: where the vectors of documents, entries and messages are kept."""

from typing import Annotated, Literal

import typer

from app.cli.errors import plainly
from app.cli.places import Data, folder_from, reachable, settings_with

vectors = typer.Typer(help="Vectors of passages.", no_args_is_help=True)

Store = Literal["qdrant", "pgvector"]


@vectors.command()
def migrate(
    context: typer.Context,
    to: Annotated[Store, typer.Option(help="The store to move the vectors to.")],
    source: Annotated[
        Store | None,
        typer.Option("--from", help="The store they are in.", show_default="LUMINOUS_VECTORS"),
    ] = None,
    remove: Annotated[
        bool, typer.Option("--remove", help="Take them out of the source when all have arrived.")
    ] = False,
    data: Data = None,
) -> None:
    """Copy every vector to another store; nothing is embedded again.

    The service may run meanwhile where Qdrant is a server; then set LUMINOUS_VECTORS, restart it,
    and run this once more with --from and --remove, for what came in between. It can be
    interrupted and run again. Exits with 1 where the target has less than it was given.
    """
    with plainly():
        settings = settings_with(data_dir=folder_from(context, data))
        from app.cli import moving  # noqa: PLC0415 - slow: the whole app

        with reachable(settings) as served:
            moving.move_vectors(served, source or settings.vectors, to, remove=remove)
