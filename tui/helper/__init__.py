"""The helper: a child process that answers the front ends' questions about Azure."""
