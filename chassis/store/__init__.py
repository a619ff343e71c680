"""PostgreSQL: the journal, group commit, the change feed, timers and migrations."""
