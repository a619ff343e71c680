"""Decides applications: functions over frozen values, without clock, new ids, input or output."""
