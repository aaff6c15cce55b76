"""What the terminal shows when the service is ready."""

import json

PROMPT = "Tell me a short story about light."


def banner(
    address: str, data: str, owner: str, api_key: str | None, password: str | None = None
) -> str:
    """Address, docs, key, and one `curl` on one line, so that a triple click copies it."""
    lines = [
        "",
        "Luminous is ready.",
        "",
        f"  address  {address}",
        f"  docs     {address}/docs",
        f"  data     {data}",
        f"  owner    {owner}",
    ]
    if api_key:
        lines += [f"  password {password}   (shown only this once)"] if password else []
        lines += [f"  API key  {api_key}   (shown only this once)"]
    else:
        lines += [
            "  API key  was shown at the first start;",
            "           `./scripts/luminous api-key create` makes another",
        ]
    return "\n".join(
        [*lines, "", "Stream a chat:", "", curl(address, api_key), "", "Ctrl-C stops.", ""]
    )


def curl(address: str, api_key: str | None) -> str:
    message = {"messages": [{"role": "user", "content": PROMPT}], "stream": True}
    body = json.dumps(message, separators=(",", ":"))
    key = api_key or "$LUMINOUS_API_KEY"
    return (
        f'curl -N {address}/v1/chat -H "Authorization: Bearer {key}" '
        f"-H 'Content-Type: application/json' -d '{body}'"
    )


def local_address(host: str, port: int) -> str:
    """Give a URL that works on this machine, also when listening on every address."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104
    if ":" in reachable and not reachable.startswith("["):
        reachable = f"[{reachable}]"
    return f"http://{reachable}:{port}"
