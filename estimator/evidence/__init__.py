"""What a trained critic proves: float64 values over the certificate, and bounds."""
