"""What the pages of a release may load, as they say themselves and as a server says of them."""

from __future__ import annotations

from typing import Final

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)
"""Their own files, and nothing from elsewhere; who may frame them is not said, for others embed charts."""
