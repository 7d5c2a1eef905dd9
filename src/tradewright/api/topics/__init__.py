"""What the live stream says beside the paper account."""
