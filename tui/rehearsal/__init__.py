"""A local stand-in for Azure Machine Learning."""
