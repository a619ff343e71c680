"""Migrations of the enforcement database."""
