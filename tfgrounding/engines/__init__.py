"""The ways to answer a query about a video, and the Grounder that holds one of them."""
