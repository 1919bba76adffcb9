"""What is wrong with tables and pipeline before anything is trained, each finding with the line that mends it."""
