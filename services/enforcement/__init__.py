"""Conduct, violations, measures, and the standing of every license."""
