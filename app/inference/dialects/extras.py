"""What a request in any dialect holds beside its text, as far as budgets must know it."""

from dataclasses import dataclass, field
from typing import Any, Final

from app.inference.dialects.ask import Ask, inline_in
from app.inference.usage.extras import NOTHING, Extras

TURNS: Final = ("messages", "input", "contents", "system", "systemInstruction")
# What stands inside a turn or a part and may hold parts itself.
INSIDE: Final = ("content", "parts", "output", "functionResponse", "function_response")
# Input that the provider keeps, by OpenAI's and Google's names.
KEPT: Final = (
    "previous_response_id", "conversation", "prompt", "cachedContent", "cached_content",
)  # fmt: skip
# Tools by the fields of their own that some providers have for them.
HOSTING: Final = (
    "web_search_options", "search_parameters", "plugins", "mcp_servers",
)  # fmt: skip
# What a plain request has none of.
RICH: Final = frozenset({"tools", "contents", "system", "thread", *KEPT, *HOSTING})
# The client runs these itself, whoever's type they are.
CLIENTS: Final = frozenset(
    {"function", "custom", "local_shell", "apply_patch", "computer", "computer_use_preview"}
)
CLIENTS_BEGIN: Final = ("bash_", "text_editor_", "computer_2", "memory_")
GOOGLES_OWN: Final = frozenset(
    {"functionDeclarations", "function_declarations", "computerUse", "computer_use"}
)


@dataclass(slots=True)
class _Found:
    pictures: int = 0
    picture_bytes: int = 0
    files: int = 0
    boundless: int = 0
    hosted: list[str] = field(default_factory=list)

    def picture(self, said: Any) -> None:
        self.pictures += 1
        if isinstance(said, str):
            self.picture_bytes += len(said)


def extras_of(ask: Ask) -> Extras:
    """Bytes that stand in it and are no known picture's count as a file's, whatever they are."""
    if ask.extras is None:
        ask.extras = _read(ask)
    return ask.extras


def _read(ask: Ask) -> Extras:
    document, found = ask.document, _Found()
    if RICH.isdisjoint(document) and not inline_in(ask) and _is_plain(document):
        return NOTHING
    for name in TURNS:
        _walk(document.get(name), found)
    found.boundless += sum(bool(document.get(name)) for name in KEPT) + goes_on(document)
    found.hosted += [name for name in HOSTING if document.get(name)]
    tools = document.get("tools")
    for tool in tools if isinstance(tools, list) else ():
        if isinstance(tool, dict):
            found.hosted += _hosted(tool)
    return Extras(
        found.pictures,
        found.files,
        max(sum(inline_in(ask)) - found.picture_bytes, 0),
        found.boundless,
        tuple(dict.fromkeys(found.hosted)),
    )


def goes_on(document: dict[str, Any]) -> bool:
    """Whether it goes on with a thread that Anthropic keeps."""
    thread = document.get("thread")
    return isinstance(thread, dict) and thread.get("type") != "create"


def _is_plain(document: dict[str, Any]) -> bool:
    """Whether its turns are nothing but text, as most are."""
    return _is_text(document.get("messages")) and _is_text(document.get("input"))


def _is_text(turns: Any) -> bool:
    if turns is None or isinstance(turns, str):
        return True
    if not isinstance(turns, list):
        return False
    for turn in turns:
        if (
            not isinstance(turn, dict)
            or not isinstance(turn.get("content"), str)
            or turn.get("type", "message") != "message"
        ):
            return False
    return True


def _hosted(tool: dict[str, Any]) -> list[str]:
    """The names by which a provider runs this tool itself; none where the client does."""
    kind = tool.get("type")
    if kind is None:
        # Anthropic's plain tools have a name only, and Google's a field for each kind.
        return [] if "name" in tool else [str(name) for name in tool if name not in GOOGLES_OWN]
    if not isinstance(kind, str) or kind in CLIENTS or kind.startswith(CLIENTS_BEGIN):
        return []
    return [kind]


def _walk(node: Any, found: _Found) -> None:
    if isinstance(node, list):
        for each in node:
            _walk(each, found)
    elif isinstance(node, dict):
        _look(node, found)
        for name in INSIDE:
            inner = node.get(name)
            if inner is not None and not isinstance(inner, str):
                _walk(inner, found)


def _look(part: dict[str, Any], found: _Found) -> None:
    """Count what one part is, in the words of OpenAI, Anthropic and Google."""
    kind = part.get("type")
    if "image_url" in part or kind == "input_image":
        said = part.get("image_url")
        found.picture(said.get("url") if isinstance(said, dict) else said)
    elif kind == "input_audio":
        found.files += 1
    elif kind in ("file", "input_file"):
        _look_at_file(part.get("file") or part, found)
    elif isinstance(kind, str) and (kind == "item_reference" or kind.endswith("_url")):
        found.boundless += 1
    elif isinstance(part.get("source"), dict):
        _look_at_source(part["source"], kind, found)
    else:
        _look_at_google(part, found)


def _look_at_file(file: Any, found: _Found) -> None:
    if isinstance(file, dict) and isinstance(file.get("file_data"), str):
        found.files += 1
    else:
        found.boundless += 1


def _look_at_source(source: dict[str, Any], kind: Any, found: _Found) -> None:
    if kind == "image":
        found.picture(source.get("data"))
    elif source.get("type") == "content":
        _walk(source.get("content"), found)
    elif isinstance(source.get("data"), str):
        found.files += 1
    else:
        found.boundless += 1


def _look_at_google(part: dict[str, Any], found: _Found) -> None:
    for name in ("inlineData", "inline_data", "fileData", "file_data"):
        blob = part.get(name)
        if not isinstance(blob, dict):
            continue
        media_type = str(blob.get("mimeType", blob.get("mime_type", "")))
        if media_type.startswith("image/"):
            found.picture(blob.get("data"))
        elif isinstance(blob.get("data"), str):
            found.files += 1
        else:
            found.boundless += 1
