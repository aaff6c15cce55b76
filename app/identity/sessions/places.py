"""Where the tokens of a session travel."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Places:
    """In cookies or in bodies. An access token in a cookie needs its refresh token in one too."""

    refresh_in_cookie: bool = True
    access_in_cookie: bool = False
