"""A plan as files for others: YAML and script of `az ml`, Python, notebook, pipelines, Bicep, runbook."""
