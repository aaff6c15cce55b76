"""What the routes of collections take from the running process."""

from typing import Annotated

from fastapi import Depends, Request

from app.inference.embeddings.embedders import Embedders


def embedders_of(request: Request) -> Embedders:
    embedders: Embedders = request.app.state.inference.embedders
    return embedders


EmbeddersDep = Annotated[Embedders, Depends(embedders_of)]
