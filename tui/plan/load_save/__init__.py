"""Load and save plans: YAML files, overlays, references, and `az ml` files."""
