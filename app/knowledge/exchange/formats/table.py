"""The formats by their names."""

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final, Literal, Protocol

from app.knowledge.exchange.concept import Concept, Head
from app.knowledge.exchange.formats import csv_form, json_form, skos_reading, tbx_reading
from app.knowledge.exchange.formats.csv_form import CsvWriter
from app.knowledge.exchange.formats.json_form import JsonWriter
from app.knowledge.exchange.formats.row import Row
from app.knowledge.exchange.formats.skos_writing import JsonLdWriter, TurtleWriter
from app.knowledge.exchange.formats.tbx_writing import TbxWriter

Name = Literal["tbx", "turtle", "jsonld", "csv", "json"]


class Writer(Protocol):
    """Writes a file a page at a time: its start, its pages, and its end.

    `known` are ids that the file has a concept of: all those that a page's relations lead to.
    """

    def start(self, head: Head) -> bytes: ...
    def page(self, concepts: Sequence[Concept], known: Container[str], /) -> bytes: ...
    def end(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Format:
    """A `writer` is made for one file."""

    name: Name
    media_type: str
    extension: str
    writer: Callable[[], Writer]
    read: Callable[[BinaryIO], Iterator[Row]]


FORMATS: Final[dict[Name, Format]] = {
    each.name: each
    for each in (
        Format("tbx", "application/x-tbx", "tbx", TbxWriter, tbx_reading.read),
        Format("turtle", "text/turtle", "ttl", TurtleWriter, skos_reading.read_turtle),
        Format(
            "jsonld",
            "application/ld+json",
            "jsonld",
            JsonLdWriter,
            skos_reading.read_json_ld,
        ),
        Format("csv", "text/csv", "csv", CsvWriter, csv_form.read),
        Format("json", "application/json", "json", JsonWriter, json_form.read),
    )
}
