"""The step Review: values, planned changes, findings and cost."""
