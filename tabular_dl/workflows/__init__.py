"""Workflows of the commands, one per file, with their effects: printed lines, files and MLflow runs."""
