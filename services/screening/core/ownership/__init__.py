"""Ownership by listed parties: rules, assessment and findings."""
