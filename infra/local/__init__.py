"""The local stack: certificates, PostgreSQL, Kafka, the services and their traces, as children on the loopback."""
