"""The risk layer in use: in front of runs, from the command line, in a report."""
