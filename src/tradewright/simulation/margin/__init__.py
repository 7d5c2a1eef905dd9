"""What happens when equity no longer carries the positions."""
