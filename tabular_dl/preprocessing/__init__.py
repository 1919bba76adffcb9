"""Columns of a table as numbers: derived features, imputation, encoding, scaling."""
