"""Load test: submits applications at a fixed rate and measures responses and decisions."""
