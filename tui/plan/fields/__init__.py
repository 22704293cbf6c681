"""The fields of the plan: step, validation and help of each."""
