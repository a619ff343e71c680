"""Audit: verifies hash chains and published events; exports and checks case files."""
