"""The music clip that comes with mirzoo, and the notes that it was made from."""
