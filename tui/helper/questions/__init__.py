"""The questions by topic; each function takes the arguments of a request's `with`."""
