"""MLflow runs: written, found, loaded."""
