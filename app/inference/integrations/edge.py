"""How a route reaches the directory of its process."""

from typing import Annotated

from fastapi import Depends, Request

from app.inference.integrations.directory import Directory


def directory_of(request: Request) -> Directory:
    directory: Directory = request.app.state.inference.directory
    return directory


DirectoryDep = Annotated[Directory, Depends(directory_of)]
