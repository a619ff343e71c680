"""Migrations of the applications database."""
