"""Local servers that speak each vendor's wire format, on real sockets, with faults by script."""
