"""The plumbing that the services share: it carries, measures and restarts, and knows no word of their domain."""
