"""Robustness: success under perturbations and faults beside clean success, from kept runs. See measure.py."""
