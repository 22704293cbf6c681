"""The rehearsal's Blob storage."""
