"""`klientela import`: histories of orders from files, through the same intake as every other channel."""
