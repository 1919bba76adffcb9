"""Figures of fits and scores."""
