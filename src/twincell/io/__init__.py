"""Every way in and out of files: images, axes, file names, points, recordings, one reader a format."""
