"""Alternatives that turn curves into candidate intervals."""
