"""What somebody else has to do before a plan can work, a page for each administrator."""
