"""Charts as inline SVG, and the scales they stand on."""
