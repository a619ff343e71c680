"""Restricted-party lists: file formats, versions and deltas."""
