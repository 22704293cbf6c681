"""The operator's screen: what is wrong with an endpoint that is there, and its fixes."""
