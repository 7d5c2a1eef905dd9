"""One module or folder per outside system."""
