"""What a place without a package index needs: wheels for the tool itself, and a build context for a deployment."""
