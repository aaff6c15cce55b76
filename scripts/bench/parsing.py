"""Documents and pages a second by format, what readers weigh, and whether the service stays flat.

.venv/bin/python scripts/bench/parsing.py [--quick]
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from app.knowledge.parsing.chunks import chunk
from app.knowledge.parsing.parse import Parsers, Reading
from tests.support.documents import report, slides, word, workbook

MIB = 1024 * 1024
TEXT = "Trips are paid for by the company when they were approved before. " * 40
SAMPLES = {
    "report.pdf": report(outline=True),
    "handbook.docx": word(),
    "talk.pptx": slides(),
    "book.xlsx": workbook({"Sales": [["Day", "Sum"], *([f"day {n}", n] for n in range(500))]}),
    "page.html": ("<h1>Travel</h1>" + f"<p>{TEXT}</p>" * 20).encode(),
    "notes.md": ("# Travel\n\n" + f"{TEXT}\n\n" * 20).encode(),
    "plain.txt": (f"{TEXT}\n\n" * 20).encode(),
    "table.csv": ("name,sum\n" + "Tom,12\n" * 2000).encode(),
    "parse.py": Path(__file__).read_bytes(),
}


@dataclass
class Measured:
    documents: int
    seconds: float
    pages: int
    characters: int
    peak: int
    cpu: float


async def measure(parsers: Parsers, path: Path, name: str, seconds: float) -> Measured:
    """Read one document again and again, two at a time."""
    done: list[Reading] = []
    began = time.monotonic()

    async def reader() -> None:
        while time.monotonic() - began < seconds:
            done.append(await parsers.read(path, filename=name))

    await asyncio.gather(reader(), reader())
    return Measured(
        len(done),
        time.monotonic() - began,
        sum(reading.parsed.pages or 1 for reading in done),
        sum(len(reading.parsed.text) for reading in done),
        max(reading.peak_bytes for reading in done),
        sum(reading.cpu_seconds for reading in done),
    )


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def main(seconds: float) -> None:
    parsers = Parsers(2)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "document"
        path.write_bytes(SAMPLES["plain.txt"])
        began = time.monotonic()
        reading = await parsers.read(path, filename="plain.txt")
        print(f"first document after {time.monotonic() - began:.2f} s\n")
        began = time.monotonic()
        chunks = chunk(reading.parsed)
        rate = len(chunks) / (time.monotonic() - began)
        before = resident()
        print(f"{'':14} {'docs/s':>8} {'pages/s':>8} {'MB text/s':>10} {'CPU ms':>8} {'MiB':>6}")
        for name, content in SAMPLES.items():
            path.write_bytes(content)
            got = await measure(parsers, path, name, seconds)
            print(
                f"{name:14} {got.documents / got.seconds:8.0f} {got.pages / got.seconds:8.0f} "
                f"{got.characters / got.seconds / 1e6:10.2f} "
                f"{got.cpu / got.documents * 1000:8.1f} {got.peak / MIB:6.0f}"
            )
        print(f"\nchunks a second: {rate:.0f}")
        print(f"the service grew by {(resident() - before) / MIB:.1f} MiB")
    await parsers.close()


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="half a second a format")
    asyncio.run(main(0.5 if options.parse_args().quick else 5.0))
