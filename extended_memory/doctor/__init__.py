"""What can be found out about an installation: remarks that hold no content and no secret."""
