"""What whoever keeps the service does now and then: check, back up, restore."""
