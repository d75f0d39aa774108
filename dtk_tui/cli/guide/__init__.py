"""The guide on the command line: its pages, how they are drawn, and the pager that shows them."""
