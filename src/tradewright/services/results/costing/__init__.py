"""What trading cost: from gross to net, and what other costs would leave."""
