"""Set-up of a checkout, the local stack, the main scenario, and the topics."""
