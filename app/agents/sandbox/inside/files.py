"""Files that exist in memory only: those code is given, and those it writes."""

import io
from collections.abc import Mapping
from typing import Any

_MODES = frozenset("rwaxbt+")


class _Kept(io.BytesIO):
    """What is written is kept under its name when it is closed, or when all is over."""

    def __init__(self, files: "Files", name: str, content: bytes) -> None:
        super().__init__(content)
        self._files, self._name = files, name

    def close(self) -> None:
        if not self.closed:
            self._files.keep(self._name, self.getvalue())
        super().close()


class Files:
    """Stands where `open` was: code is told what it may open where it tries another file."""

    def __init__(self, given: Mapping[str, bytes]) -> None:
        self._contents = dict(given)
        self._given = dict(given)
        self._open: list[Any] = []

    def keep(self, name: str, content: bytes) -> None:
        self._contents[name] = content

    def written(self) -> dict[str, bytes]:
        """What is new or another than it was given."""
        for file in self._open:
            if not file.closed:
                file.close()
        return {n: c for n, c in self._contents.items() if self._given.get(n) != c}

    def open(
        self,
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,  # noqa: ARG002 - as Python's own `open`
        opener: Any = None,  # noqa: ARG002
    ) -> Any:
        del buffering
        if not isinstance(file, str) and not hasattr(file, "__fspath__"):
            raise PermissionError("here only files in memory can be opened, by their names")
        name = str(file).removeprefix("./")
        if not set(mode) <= _MODES or len(set(mode) & set("rwax")) != 1:
            raise ValueError(f"invalid mode: {mode!r}")
        raw = self._raw(name, mode)
        is_text = "b" not in mode
        opened = io.TextIOWrapper(raw, encoding or "utf-8", errors, newline) if is_text else raw
        self._open.append(opened)
        return opened

    def _raw(self, name: str, mode: str) -> io.BytesIO:
        there = name in self._contents
        if "x" in mode and there:
            raise FileExistsError(17, "File exists", name)
        if "r" in mode and not there:
            if "/" in name:
                raise PermissionError(13, "There is no file system here", name)
            raise FileNotFoundError(2, f"There is no such file; there are {self._names()}", name)
        content = b"" if "w" in mode or not there else self._contents[name]
        if mode.replace("b", "").replace("t", "") == "r":
            return io.BytesIO(content)
        made = _Kept(self, name, content)
        if "a" in mode:
            made.seek(0, io.SEEK_END)
        return made

    def _names(self) -> str:
        return ", ".join(sorted(self._contents)) or "none"
