"""The questions, by what they are about; each function takes the arguments of a request's `with`."""
