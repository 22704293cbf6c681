"""What the wizard knows, and what is derived from it. No widgets here."""
