"""What the measurements of a load run mean for a deployment: size, instances, workers, autoscale."""
