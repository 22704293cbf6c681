"""The local trial: a plan's model, code and environment served on this machine, and measured."""
