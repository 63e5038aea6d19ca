"""What an API process does beside answering: reaping leases, telling webhooks."""
