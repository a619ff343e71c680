"""The main scenario: clients for every role, the steps over the public API, and `make demo`."""
