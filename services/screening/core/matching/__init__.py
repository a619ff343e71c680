"""Compares one party with the lists: candidates, facts for and against a match, hits."""
