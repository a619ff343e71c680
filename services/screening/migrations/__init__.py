"""Migrations of the screening database."""
