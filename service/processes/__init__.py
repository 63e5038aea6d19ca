"""Processes that look after other processes: supervisor, children, server, GPUs."""
