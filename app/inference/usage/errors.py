"""What can go wrong with the ledger."""

from app.core.errors import Unavailable


class LedgerFull(Unavailable):
    code = "ledger_full"
    title = "Calls cannot be recorded at the moment"
