"""What applications decides: plain functions over frozen values. No clock, no ids, no input or output here."""
