"""What people look at: plots and a page. Only `drawing` and `picture` need matplotlib."""
