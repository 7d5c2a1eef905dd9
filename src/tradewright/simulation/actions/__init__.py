"""Corporate actions inside the kernel: the table it works through and what a row does."""
