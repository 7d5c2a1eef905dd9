"""Our features, one module a family; importing a module adds its features to the catalogue."""
