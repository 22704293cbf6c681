"""Tests of the fleet's screen."""
