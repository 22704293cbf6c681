"""The nine steps: the frame around them, what their panes share, and a folder for each."""
