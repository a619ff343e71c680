"""The methods of the three services as typed Python calls.

`safeconduct.client` is their entry point.
"""
