"""From YAML to a plan and back: files, overlays, references, files of az ml."""
