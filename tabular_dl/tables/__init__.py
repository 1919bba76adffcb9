"""Tables from files, and the values in their cells."""
