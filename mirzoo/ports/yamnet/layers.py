"""YAMNet needs no layers but Keras' and mirzoo's."""
