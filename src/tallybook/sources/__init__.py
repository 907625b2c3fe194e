"""Feeds: one module per kind, each with a card of what it reads and a ``parse`` from bytes to reports."""
