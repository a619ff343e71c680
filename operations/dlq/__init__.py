"""Dead letters: lists, shows and redrives the records that a service could not handle."""
