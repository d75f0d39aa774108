"""What looks alike: clusters of images, what sharing their vectors would change, and a folder beside the library."""
