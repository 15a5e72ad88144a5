"""Networks in other formats, one file each."""
