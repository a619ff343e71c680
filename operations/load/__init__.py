"""`safeconduct load`: offers applications at a rate, and tells how long answers and decisions took."""
