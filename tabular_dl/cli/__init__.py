"""Command line of the package."""
