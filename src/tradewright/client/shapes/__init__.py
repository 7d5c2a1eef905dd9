"""What the interface takes and answers, as typed dictionaries."""
