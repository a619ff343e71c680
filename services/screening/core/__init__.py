"""The core of screening: decides from values alone whether a party may be on a list, and why."""
