"""The pipeline file: read, validated, built."""
