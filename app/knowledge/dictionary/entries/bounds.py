"""How much an entry may hold, and a dictionary."""

from typing import Final

MOST_ENTRIES: Final = 200_000
MOST_TERMS: Final = 200
MOST_DEFINITIONS: Final = 50
MOST_EXAMPLES: Final = 100
MOST_NOTES: Final = 50
MOST_SOURCES: Final = 50
MOST_SUBJECT_FIELDS: Final = 20
MOST_RELATIONS: Final = 200
# Of everything that an entry says, in characters.
MOST_CHARACTERS: Final = 100_000

TERM: Final = 500
DEFINITION: Final = 10_000
EXAMPLE: Final = 4_000
NOTE: Final = 4_000
TITLE: Final = 500
URL: Final = 2_000
SUBJECT_FIELD: Final = 100
EXTERNAL_ID: Final = 255
PART_OF_SPEECH: Final = 50
COMMENT: Final = 2_000
MOST_VERSION: Final = 2**31 - 1
