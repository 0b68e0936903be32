"""Scenario, Capture and Exchange, and the verbs that turn one into another. Imports only `model`."""
