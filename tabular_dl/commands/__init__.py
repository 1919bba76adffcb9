"""The commands, by what they are about; `tabular_dl.cli` puts them together."""
