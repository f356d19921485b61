"""What every room uses: embeddings, the cache, files, progress, text and worker threads."""
