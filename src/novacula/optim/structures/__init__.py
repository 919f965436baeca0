"""The families of matrices that LODO learns from, one file each."""
