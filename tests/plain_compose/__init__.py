"""The users' document, typed line by line: plain Docker commands, none of our code between them."""
