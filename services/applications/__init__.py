"""Intake, review, decision and the license document."""
