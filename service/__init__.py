"""The job service: queue, store, HTTP API, workers, command line."""
