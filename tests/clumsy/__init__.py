"""A clumsy user: random keys on every screen of the wizard, with a seed that repeats them (see __main__)."""
