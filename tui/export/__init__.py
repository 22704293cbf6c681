"""Exports a plan: YAML and script for `az ml`, Python, notebook, pipelines, Bicep, runbook."""
