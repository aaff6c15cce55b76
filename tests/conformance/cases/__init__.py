"""The rows of the table, in their order."""

from tests.conformance.case import Case
from tests.conformance.cases.errors import ERRORS
from tests.conformance.cases.media import MEDIA
from tests.conformance.cases.operations import OPERATIONS
from tests.conformance.cases.settings import SETTINGS
from tests.conformance.cases.text import WORDS
from tests.conformance.cases.tools import TOOLS

CASES: tuple[Case, ...] = (*WORDS, *TOOLS, *SETTINGS, *MEDIA, *OPERATIONS, *ERRORS)
