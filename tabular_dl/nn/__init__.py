"""The engine: populations of networks of one architecture, trained side by side by one compiled program."""
