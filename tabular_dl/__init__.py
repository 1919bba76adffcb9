"""Neural networks for Kaggle-style tables: populations of small Keras networks, trained as one compiled program."""
