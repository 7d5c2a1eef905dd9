"""What the rows of the tape are: when an order may fill, and finer bars inside a bar."""
