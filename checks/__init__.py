"""What `make check` checks. Each check is one row of a table; nothing else knows how to check."""
