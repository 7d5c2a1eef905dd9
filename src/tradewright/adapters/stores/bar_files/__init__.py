"""Files behind the Parquet bar store: the manifest, its parts, reading and writing them."""
