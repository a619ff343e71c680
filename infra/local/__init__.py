"""The local stack: certificates, PostgreSQL, Kafka, the services and their traces, as child processes on the loopback."""
