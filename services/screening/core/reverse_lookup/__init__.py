"""Finds the monitored parties that a changed list entry touches."""
