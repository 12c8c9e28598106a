"""What makes a picture or a text doubtful, and which of them come twice."""
