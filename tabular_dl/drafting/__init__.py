"""A pipeline file from nothing but tables."""
