"""What the wizard shows at each step."""
