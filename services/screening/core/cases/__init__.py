"""Screens one party: order of judgement, facts for and against a match."""
