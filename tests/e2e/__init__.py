"""One suite for the whole folder: it ends with the folder, so that it idles beside no other tests."""
