"""The nine steps: their common screen, what their panes share, and a folder for each step."""
