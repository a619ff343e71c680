"""What follows from screenings: recorded results, standing of a party, officers' verdicts, monitoring."""
