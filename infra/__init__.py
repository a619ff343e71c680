"""What the services run on: the topics, and a stack of the real parts on one machine."""
