"""What a finished run shows: tables, metrics, statistics, documents and reports."""
