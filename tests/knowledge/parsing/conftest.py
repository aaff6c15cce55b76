"""One process that readers are forked from, for all tests of parsing."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from app.knowledge.parsing.document import Parsed
from app.knowledge.parsing.limits import ParseLimits
from app.knowledge.parsing.parse import Parsers

Parse = Callable[..., Awaitable[Parsed]]


@pytest_asyncio.fixture(scope="session")
async def parsers() -> AsyncIterator[Parsers]:
    parsers = Parsers(2)
    yield parsers
    await parsers.close()


@pytest.fixture
def parse(parsers: Parsers, tmp_path: Path) -> Parse:
    """Parse bytes as a file of a name."""

    async def parse(
        content: bytes,
        filename: str = "",
        media_type: str | None = None,
        limits: ParseLimits | None = None,
    ) -> Parsed:
        path = tmp_path / "document"
        path.write_bytes(content)
        parsed = await parsers.parse(path, filename=filename, media_type=media_type, limits=limits)
        assert [parsed.of(block).strip() for block in parsed.blocks] == [
            parsed.of(block) for block in parsed.blocks
        ] or any(block.kind == "code" for block in parsed.blocks)
        return parsed

    return parse


def told(parsed: Parsed) -> list[tuple[str, int, str]]:
    """Its blocks as kind, level and text."""
    return [(block.kind, block.level, parsed.of(block)) for block in parsed.blocks]
