"""A terminal wizard for private managed online endpoints of Azure Machine Learning."""

__version__ = "0.1.0"
