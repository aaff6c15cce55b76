"""The mail of an invitation."""


def subject(workspace_name: str) -> str:
    """One line of at most 200 characters, whatever the workspace is called."""
    name = "".join(c if c.isprintable() else " " for c in workspace_name)
    return f"You are invited to {name[:150]}"


def text(workspace_name: str, app_url: str, token: str, hours: int) -> str:
    """What is said; the token stands behind the `#`, so that no server's log sees it."""
    link = f"Open this link:\n\n{app_url}/accept-invitation#token={token}\n\n" if app_url else ""
    days = f"{hours // 24} days" if hours >= 48 else f"{hours} hours"
    return (
        f"Someone invites you to work with them in “{workspace_name}”.\n\n"
        f"{link}{'Or use' if link else 'Use'} this token:\n\n{token}\n\n"
        f"It is valid for {days} and once, for the account of this address. "
        "If you do not know what this is about, do nothing.\n\nLuminous\n"
    )
