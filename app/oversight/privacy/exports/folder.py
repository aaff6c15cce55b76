"""Where archives stand in the data folder."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from app.oversight.privacy.exports.models import PrivacyExport


def archive_path(data_dir: Path, export: PrivacyExport) -> Path:
    """The finished archive."""
    return data_dir / "exports" / str(export.user_id) / f"{export.id}.zip"


def draft_path(data_dir: Path, export: PrivacyExport) -> Path:
    """The archive that one attempt is writing."""
    return archive_path(data_dir, export).with_suffix(f".{export.attempt}.part")


def files(data_dir: Path) -> Iterator[tuple[UUID, Path]]:
    """Every archive and draft that is there, with its export's id."""
    for path in (data_dir / "exports").glob("*/*"):
        try:
            yield UUID(path.name.partition(".")[0]), path
        except ValueError:
            continue


def is_wanted(path: Path, status: str, attempt: int) -> bool:
    """Whether a file belongs to what its export is now."""
    return path.suffix == ".zip" if status == "ready" else path.name.endswith(f".{attempt}.part")
