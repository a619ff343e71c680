"""Programs that no Python package index has: downloaded once per checkout, checked by hash."""
