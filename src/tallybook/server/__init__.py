"""The HTTP API over a release and a ledger; it reads and never writes."""
