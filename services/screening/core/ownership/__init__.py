"""Ownership by listed parties: the rules, the assessment of shares, and the findings."""
