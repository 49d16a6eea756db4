"""The parts of the soak, one a file; each has what `make soak` says of it in its first line, `HOURS` and `run`."""
