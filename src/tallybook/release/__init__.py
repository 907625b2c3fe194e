"""Releases: what the public gets, a folder of files."""
