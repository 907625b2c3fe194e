"""The servers that the tests of this room share."""

from server_fixtures import past, real, serve, small, vintages

__all__ = ["past", "real", "serve", "small", "vintages"]
