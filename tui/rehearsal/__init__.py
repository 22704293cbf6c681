"""The rehearsal: a local stand-in for Azure Machine Learning."""
