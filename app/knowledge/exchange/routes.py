"""The routers of what goes out of dictionaries and comes into them."""

from app.knowledge.exchange.packs.router import router as packs
from app.knowledge.exchange.router import router as exchange
from app.knowledge.exchange.sync.router import router as peers

ROUTERS = (exchange, packs, peers)
