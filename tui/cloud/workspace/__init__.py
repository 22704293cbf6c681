"""The workspace, what can be chosen in it, quota and prices of its region."""
