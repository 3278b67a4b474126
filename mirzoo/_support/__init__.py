"""What every room of the package uses: registries, whole files, caches, names that moved."""
