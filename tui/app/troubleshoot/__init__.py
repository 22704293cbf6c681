"""The troubleshoot screen for operators: what is wrong with an existing endpoint, and its fixes."""
