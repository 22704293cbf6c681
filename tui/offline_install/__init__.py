"""Prepares installations without a package index: wheels of aml-deploy itself, and a build context for a deployment."""
