"""The nouns everything else speaks of: places, metrics, reports, anomalies, and the tables they arrive in."""
