"""Makes a plan from a folder: what is in it, what that tells, and the files that are missing."""
