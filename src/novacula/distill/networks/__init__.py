"""The networks that are opened, and the formats in which others write them."""
