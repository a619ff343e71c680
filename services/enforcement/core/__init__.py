"""Decides conduct cases and standings from values alone: no clock, no ids of its own, no wire, no storage."""
