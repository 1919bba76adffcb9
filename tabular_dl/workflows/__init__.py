"""What the commands do: one verb a file. Here values meet effects: printing, files and MLflow."""
