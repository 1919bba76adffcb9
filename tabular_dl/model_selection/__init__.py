"""Folds, cross-fits, searches, thresholds and blends."""
