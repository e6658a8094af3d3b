"""Tests of the converter."""
