"""What a source offers over time: vectors of its frames, cached and read from files, and their similarity curves."""
