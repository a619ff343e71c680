"""Whether what is recorded is what happened: chains walked in the databases, and case files checked without one."""
