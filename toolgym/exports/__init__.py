"""Environments for other people's trainers and evaluations: one file per framework, each imports it when it is used."""
