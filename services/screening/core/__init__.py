"""The screening engine: decides from values alone whether a party may be on a restricted-party list, and says why."""
