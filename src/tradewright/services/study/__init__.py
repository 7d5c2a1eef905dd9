"""One YAML page is one study: its page, its pipeline, its controls."""
