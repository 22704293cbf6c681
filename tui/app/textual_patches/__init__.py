"""What overrides Textual: each module says what, why, for which version of it, and where it is reported."""
