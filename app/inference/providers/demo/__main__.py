"""The demo provider alone: `python -m app.inference.providers.demo --port 9100`."""

import argparse
import asyncio

from app.inference.providers.demo.server import serve


def main() -> None:
    parser = argparse.ArgumentParser(description="Luminous's demo provider, on its own.")
    parser.add_argument("--port", type=int, default=9100)
    try:
        asyncio.run(serve(parser.parse_args().port))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
