"""What the routes of agents' runs take from the running process."""

from typing import Annotated

from fastapi import Depends, Request

from app.agents.runtime.launching import Launcher


def _launcher_of(request: Request) -> Launcher:
    launcher: Launcher = request.app.state.agents.launcher
    return launcher


LauncherDep = Annotated[Launcher, Depends(_launcher_of)]
