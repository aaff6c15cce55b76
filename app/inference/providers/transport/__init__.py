"""The guarded way out to providers: a lean HTTP/1.1 client on httptools, with its own pools.

`Transport.open` sends a request and gives the `Exchange` by which its answer is read.
"""

from app.inference.providers.transport.client import MAX_BODY_BYTES, Transport
from app.inference.providers.transport.exchange import Exchange
from app.inference.providers.transport.request import Request

__all__ = ["MAX_BODY_BYTES", "Exchange", "Request", "Transport"]
