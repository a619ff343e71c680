"""Outboxes: lists the records that a relay cannot send, and lets it try them again."""
