"""The services that can be searched, each as a request it takes and an answer it gives."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from yarl import URL

from app.agents.tools.web.calling import Place
from app.agents.tools.web.client import MIB, Ask
from app.agents.tools.web.markdown import plain
from app.agents.tools.web.untrusted import visible

# Wikimedia asks for a name by which a client can be told apart.
AGENT: Final = "Luminous-Agents/1.0 (web_search)"
KEYLESS: Final = "wikipedia"
_TITLE: Final = 300
_SNIPPET: Final = 600


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched for; `recency` is day, week, month, year or None."""

    text: str
    count: int
    recency: str | None
    language: str


@dataclass(frozen=True, slots=True)
class Hit:
    """One result, as plain text."""

    title: str
    url: str
    snippet: str


@dataclass(frozen=True, slots=True)
class Backend:
    """A search service: how it is asked, and what its answers hold.

    `base` is where it is, once `{language}` is filled in, and empty where it has no one place;
    `place` and `field` say where its key stands.
    """

    name: str
    base: str
    needs_key: bool
    ask: Callable[[URL, Query], Ask]
    hits: Callable[[Any, URL], list[Hit]]
    place: Place = "bearer"
    field: str = ""
    scope: str = ""


def _hit(title: Any, url: Any, snippet: Any) -> Iterable[Hit]:
    """A result, unless it has no address that can be fetched."""
    if not isinstance(url, str) or not url.startswith(("http://", "https://")) or len(url) > 4000:
        return
    said = visible(plain(str(snippet or "")))[:_SNIPPET]
    yield Hit(visible(plain(str(title or "")))[:_TITLE] or url, visible(url), said)


def _each(rows: Any, title: str, url: str, snippet: str) -> list[Hit]:
    return [hit for row in rows for hit in _hit(row.get(title), row.get(url), row.get(snippet))]


def _get(url: URL, query: Mapping[str, Any], headers: dict[str, str]) -> Ask:
    given = {name: str(value) for name, value in query.items() if value is not None}
    accepted = {"Accept": "application/json", **headers}
    return Ask("GET", url.with_query(given), accepted, most_bytes=2 * MIB)


def _post(url: URL, body: Mapping[str, Any]) -> Ask:
    content = orjson.dumps({name: value for name, value in body.items() if value is not None})
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    return Ask("POST", url, headers, content, most_bytes=2 * MIB)


def _brave(base: URL, query: Query) -> Ask:
    recency = f"p{query.recency[0]}" if query.recency else None
    wanted = {
        "q": query.text, "count": query.count, "freshness": recency,
        "search_lang": query.language, "text_decorations": "false",
    }  # fmt: skip
    return _get(base / "res/v1/web/search", wanted, {})


def _brave_hits(answer: Any, _: URL) -> list[Hit]:
    return _each(answer.get("web", {}).get("results", []), "title", "url", "description")


def _tavily(base: URL, query: Query) -> Ask:
    wanted = {"query": query.text, "max_results": query.count, "time_range": query.recency}
    return _post(base / "search", wanted)


def _tavily_hits(answer: Any, _: URL) -> list[Hit]:
    return _each(answer["results"], "title", "url", "content")


def _serper(base: URL, query: Query) -> Ask:
    recency = f"qdr:{query.recency[0]}" if query.recency else None
    wanted = {"q": query.text, "num": query.count, "hl": query.language, "tbs": recency}
    return _post(base / "search", wanted)


def _serper_hits(answer: Any, _: URL) -> list[Hit]:
    return _each(answer.get("organic", []), "title", "link", "snippet")


def _searxng(base: URL, query: Query) -> Ask:
    # It knows no week.
    recency = {"week": "month"}.get(query.recency or "", query.recency)
    wanted = {
        "q": query.text, "format": "json", "language": query.language, "time_range": recency,
    }  # fmt: skip
    return _get(base / "search", wanted, {})


def _searxng_hits(answer: Any, _: URL) -> list[Hit]:
    return _each(answer["results"], "title", "url", "content")


def _wikipedia(base: URL, query: Query) -> Ask:
    wanted = {
        "action": "query", "list": "search", "srsearch": query.text, "srlimit": query.count,
        "srprop": "snippet", "format": "json", "formatversion": 2, "maxlag": 5,
    }  # fmt: skip
    return _get(base / "w/api.php", wanted, {"User-Agent": AGENT})


def _wikipedia_hits(answer: Any, base: URL) -> list[Hit]:
    rows = answer["query"]["search"]
    return [
        hit
        for row in rows
        for hit in _hit(
            row["title"], str(base.with_query(curid=int(row["pageid"]))), row.get("snippet")
        )
    ]


_ALL: Final = (
    Backend(
        "brave", "https://api.search.brave.com", True, _brave, _brave_hits,
        "header", "X-Subscription-Token",
    ),
    Backend("tavily", "https://api.tavily.com", True, _tavily, _tavily_hits),
    Backend(
        "serper", "https://google.serper.dev", True, _serper, _serper_hits, "header", "X-API-KEY"
    ),
    Backend("searxng", "", False, _searxng, _searxng_hits),
    Backend(
        KEYLESS, "https://{language}.wikipedia.org", False, _wikipedia, _wikipedia_hits,
        scope="It searches the articles of Wikipedia only.",
    ),
)  # fmt: skip
# In the order in which one is chosen where none is named.
BACKENDS: Final = {backend.name: backend for backend in _ALL}
