"""A source of pictures becomes frames with times: files, pictures, sampling, cutting."""
