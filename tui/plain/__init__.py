"""The line front end: commands and prompts without a full-screen terminal."""
