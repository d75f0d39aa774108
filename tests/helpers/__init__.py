"""What several rooms of tests share: small files, libraries, models; no fixtures."""
