"""Tables of a competition: read, downloaded, and answered by a submission."""
