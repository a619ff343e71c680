"""Rules of kept screenings: recorded results, standing of a party, verdicts, monitoring."""
