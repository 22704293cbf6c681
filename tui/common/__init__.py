"""What every layer needs: standard library only."""
