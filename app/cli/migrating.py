"""Bringing the schema up to date at a start, and saying plainly when that cannot be."""

from alembic.util import CommandError

from app.cli.database import look_at_database
from app.cli.errors import CannotServe
from app.core import migrations
from app.core.config import Settings


def apply_migrations(settings: Settings) -> None:
    if settings.database_url is None:
        raise CannotServe("Set DATABASE_URL, or use `up`, which brings its own database.")
    url = settings.database_url.get_secret_value()
    look_at_database(url)
    try:
        migrations.upgrade(url)
    except CommandError as error:
        raise CannotServe(
            f"The database does not fit this version of Luminous ({error}); run the version that "
            "last used it, or a newer one."
        ) from None
