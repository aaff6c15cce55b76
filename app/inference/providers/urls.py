"""Addresses of a provider's endpoints below its base URL."""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit


def join(base_url: str, path: str, **query: str) -> str:
    """Put `path` below the base, keeping the query that the base carries (`?api-version=…`)."""
    parts = urlsplit(base_url.strip())
    merged = dict(parse_qsl(parts.query)) | query
    return urlunsplit(
        (parts.scheme, parts.netloc, parts.path.rstrip("/") + path, urlencode(merged), "")
    )


def with_default_path(base_url: str, path: str) -> str:
    """Add `path` to a base that names only a host."""
    return base_url if urlsplit(base_url.strip()).path.strip("/") else join(base_url, path)
