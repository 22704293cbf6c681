"""The wizard's state, and what is derived from it. Contains no widgets."""
