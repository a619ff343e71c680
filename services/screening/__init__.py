"""Lists, matching, and the record of who was screened against what."""
