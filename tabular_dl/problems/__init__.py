"""Types of problems: output layers, losses, metrics, target codings."""
