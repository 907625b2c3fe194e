"""The static explorer of a release."""
